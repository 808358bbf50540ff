#include "prelude.cu"
#include "lanes.cu"

// The losses of vl_nnloss. Losses of categories compare scores with class indexes from 0, losses of attributes with
// numbers +1 and -1. An index of SKIPPED and an attribute of 0 stand for pixels to leave out.

#define SKIPPED -2

enum { CLASS_ERROR, TOP_K_ERROR, LOG, SOFTMAX_LOG, HINGE_OF_CLASS, STRUCTURED_HINGE };
enum { BINARY_ERROR, BINARY_LOG, LOGISTIC, HINGE };

// How far apart images, channels and pixels are in the arrays that broadcast to the scores; 0 where a side is one.
#define LABELS(type) const type* labels, Index label_image_step, Index label_channel_step, Index label_pixel_step
#define WEIGHTS \
  const double* weights, Index weight_image_step, Index weight_channel_step, Index weight_pixel_step
#define SIZES Index images, Index depth, Index pixels

#define LABEL(d) labels[image * label_image_step + (d) * label_channel_step + p * label_pixel_step]
#define WEIGHT(d) weights[image * weight_image_step + (d) * weight_channel_step + p * weight_pixel_step]

// A block's sum of losses, one number for each block.
__device__ void give_sum(double own, double* sums) {
  __shared__ double room[THREADS];
  const int thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  room[thread] = own;
  __syncthreads();
  for (int half = blockDim.x * blockDim.y * blockDim.z / 2; half > 0; half /= 2) {
    if (thread < half) room[thread] += room[thread + half];
    __syncthreads();
  }
  if (thread == 0) sums[(Index)blockIdx.z * gridDim.x + blockIdx.x] = room[0];
}

__device__ inline double rounded(REAL loss, Index whole) {
  return whole ? copysign(floor(abs((double)loss) + 0.5), (double)loss) : (double)loss;
}

__device__ inline REAL at_least_0(REAL x) { return x > 0 ? x : (REAL)0; }  // 0 also for NaN

// Whether class d stands before the right one, in falling order: NaN first, ties as they come.
__device__ inline bool stands_before(REAL value, Index d, REAL score, Index index) {
  if (is_nan(score)) return is_nan(value) && d < index;
  return !(value <= score) || (value == score && d < index);
}

__device__ inline REAL loss_of_category(Index loss, const REAL* x, Index index, REAL setting, Index depth,
                                        Index pixels) {
  const bool known = index >= 0 && index < depth;
  const REAL score = known ? x[index * pixels] : (REAL)0;
  if (loss == CLASS_ERROR) return largest_but(x, -1, depth, pixels).channel != index;
  if (loss == TOP_K_ERROR) {
    double own = 0;
    EACH_CHANNEL(d) own += stands_before(x[d * pixels], d, score, index);
    return lanes_sum(own) >= setting || !known;
  }
  if (loss == LOG) return -log(score);
  if (loss == SOFTMAX_LOG) {
    const Exponentials sums = exponentials(x, depth, pixels);
    return sums.largest + log(sums.total) - score;
  }
  if (loss == HINGE_OF_CLASS) return at_least_0(1 - score);
  return at_least_0(1 - score + largest_but(x, index, depth, pixels).value);
}

extern "C" __global__ void category_forward(const REAL* x, double* sums, Index loss, double setting, Index whole,
                                            LABELS(Index), WEIGHTS, SIZES) {
  double own = 0;
  EACH_VECTOR {
    VECTOR;
    const Index first = image * depth * pixels + p;
    const Index index = LABEL(0);
    const REAL value = loss_of_category(loss, x + first, index, (REAL)setting, depth, pixels);
    if (inside && threadIdx.y == 0 && index != SKIPPED) own += rounded(value, whole) * WEIGHT(0);
  }
  give_sum(own, sums);
}

extern "C" __global__ void category_backward(const REAL* x, REAL* dzdx, Index loss, LABELS(Index), WEIGHTS, SIZES) {
  EACH_VECTOR {
    VECTOR;
    const Index first = image * depth * pixels + p;
    const REAL* xs = x + first;
    const Index index = LABEL(0);
    const REAL weight = (REAL)WEIGHT(0);
    const REAL score = index == SKIPPED ? (REAL)0 : xs[index * pixels];
    Index rival = -1;
    REAL slope = 0, rise = 0, factor = 0, largest = 0;
    if (loss == SOFTMAX_LOG) {
      const Exponentials sums = exponentials(xs, depth, pixels);
      largest = sums.largest;
      factor = weight / sums.total;
      slope = -weight;
    } else if (loss == LOG) {
      const REAL least = (REAL)1e-8;
      slope = -weight / (score > least ? score : least);
    } else if (loss == HINGE_OF_CLASS) {
      slope = -weight * (REAL)(score < 1);
    } else {
      const Largest others = largest_but(xs, index, depth, pixels);
      rise = weight * (REAL)(score - others.value < 1);
      slope = -rise;
      rival = depth > 1 ? others.channel : -1;  // a single class has no rival
    }
    if (!inside) continue;
    EACH_CHANNEL(d) {
      REAL der = loss == SOFTMAX_LOG ? exp(xs[d * pixels] - largest) * factor : (REAL)0;
      if (d == index) der += slope;
      if (d == rival) der = rise;
      dzdx[first + d * pixels] = index == SKIPPED ? (REAL)0 : der;
    }
  }
}

__device__ inline REAL loss_of_attribute(Index loss, REAL x, REAL c, REAL setting) {
  if (loss == BINARY_ERROR) {
    const REAL above = x - setting;
    const REAL sign = above > 0 ? (REAL)1 : above < 0 ? (REAL)-1 : above;  // NaN stays
    return sign != c;
  }
  if (loss == BINARY_LOG) return -log((x - (REAL)0.5) * c + (REAL)0.5);
  if (loss == LOGISTIC) {  // log(1 + exp(a)), without overflow
    const REAL a = -c * x, positive = at_least_0(a);
    return positive + log(exp(-positive) + exp(a - positive));
  }
  return at_least_0(1 - c * x);
}

extern "C" __global__ void attribute_forward(const REAL* x, double* sums, Index loss, double setting, Index whole,
                                             LABELS(REAL), WEIGHTS, SIZES) {
  double own = 0;
  EACH_VECTOR {
    VECTOR;
    const Index first = image * depth * pixels + p;
    if (!inside) continue;
    EACH_CHANNEL(d) {
      const REAL c = LABEL(d);
      if (c == 0) continue;
      own += rounded(loss_of_attribute(loss, x[first + d * pixels], c, (REAL)setting), whole) * WEIGHT(d);
    }
  }
  give_sum(own, sums);
}

extern "C" __global__ void attribute_backward(const REAL* x, REAL* dzdx, Index loss, LABELS(REAL), WEIGHTS, SIZES) {
  EACH_VECTOR {
    VECTOR;
    const Index first = image * depth * pixels + p;
    if (!inside) continue;
    EACH_CHANNEL(d) {
      const REAL value = x[first + d * pixels], c = LABEL(d), weight = (REAL)WEIGHT(d);
      REAL der = 0;
      if (c == 0) {
        der = 0;
      } else if (loss == BINARY_LOG) {
        der = -weight / (value + (c - 1) * (REAL)0.5);
      } else if (loss == LOGISTIC) {
        der = -weight * c / (exp(value * c) + 1);
      } else {
        der = -weight * c * (REAL)(value * c < 1);
      }
      dzdx[first + d * pixels] = der;
    }
  }
}
