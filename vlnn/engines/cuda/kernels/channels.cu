#include "prelude.cu"
#include "lanes.cu"

// Softmax, norms and distances across the channels of single pixels.

#define SIZES Index images, Index depth, Index pixels

extern "C" __global__ void softmax_forward(const REAL* x, REAL* y, SIZES) {
  EACH_VECTOR {
    VECTOR;
    const Index first = image * depth * pixels + p;
    const REAL* xs = x + first;
    const Exponentials sums = exponentials(xs, depth, pixels);
    if (!inside) continue;
    EACH_CHANNEL(d) y[first + d * pixels] = exp(xs[d * pixels] - sums.largest) / sums.total;
  }
}

extern "C" __global__ void softmax_backward(const REAL* x, const REAL* dzdy, REAL* dzdx, SIZES) {
  EACH_VECTOR {
    VECTOR;
    const Index first = image * depth * pixels + p;
    const REAL *xs = x + first, *ders = dzdy + first;
    const Exponentials sums = exponentials(xs, depth, pixels);
    double own = 0;
    EACH_CHANNEL(d) own += ders[d * pixels] * (exp(xs[d * pixels] - sums.largest) / sums.total);
    const REAL share = (REAL)lanes_sum(own);
    if (!inside) continue;
    EACH_CHANNEL(d) {
      const REAL y = exp(xs[d * pixels] - sums.largest) / sums.total;
      dzdx[first + d * pixels] = y * (ders[d * pixels] - share);
    }
  }
}

__device__ inline REAL squared_norm(const REAL* x, Index depth, Index pixels) {
  double own = 0;
  EACH_CHANNEL(d) own += (double)x[d * pixels] * x[d * pixels];
  const REAL norm = (REAL)lanes_sum(own), least = (REAL)1e-8;
  return norm < least ? least : norm;  // NaN stays
}

extern "C" __global__ void noffset_forward(const REAL* x, REAL* y, double alpha, double beta, SIZES) {
  EACH_VECTOR {
    VECTOR;
    const Index first = image * depth * pixels + p;
    const REAL offset = (REAL)alpha * pow(squared_norm(x + first, depth, pixels), (REAL)beta);
    if (!inside) continue;
    EACH_CHANNEL(d) y[first + d * pixels] = x[first + d * pixels] - offset;
  }
}

extern "C" __global__ void noffset_backward(const REAL* x, const REAL* dzdy, REAL* dzdx, double alpha, double beta,
                                            SIZES) {
  EACH_VECTOR {
    VECTOR;
    const Index first = image * depth * pixels + p;
    const REAL power = pow(squared_norm(x + first, depth, pixels), (REAL)(beta - 1));
    double own = 0;
    EACH_CHANNEL(d) own += dzdy[first + d * pixels];
    const REAL factor = power * (REAL)lanes_sum(own) * (REAL)(2 * alpha * beta);
    if (!inside) continue;
    EACH_CHANNEL(d) dzdx[first + d * pixels] = dzdy[first + d * pixels] - x[first + d * pixels] * factor;
  }
}

__device__ inline REAL distance(REAL difference, REAL p) {
  return p == 2 ? difference * difference : p == 1 ? abs(difference) : pow(abs(difference), p);
}

// Steps from image to image, channel to channel and pixel to pixel of an array that broadcasts to x: 0 where its side
// is one.
#define TARGET const REAL* target, Index image_step, Index channel_step, Index pixel_step

__device__ inline REAL total_distance(const REAL* x, REAL p, Index depth, Index pixels, TARGET) {
  double own = 0;
  EACH_CHANNEL(d) own += distance(x[d * pixels] - target[d * channel_step], p);
  return (REAL)lanes_sum(own);
}

extern "C" __global__ void pdist_forward(const REAL* x, REAL* y, double p_norm, Index root, TARGET, SIZES) {
  const REAL power = (REAL)p_norm;
  EACH_VECTOR {
    VECTOR;
    const Index first = image * depth * pixels + p;
    const REAL* other = target + image * image_step + p * pixel_step;
    const REAL total = total_distance(x + first, power, depth, pixels, other, 0, channel_step, 0);
    if (inside && threadIdx.y == 0) y[image * pixels + p] = root && power != 1 ? pow(total, 1 / power) : total;
  }
}

// dzdy has steps of its own, from image to image and from pixel to pixel.
extern "C" __global__ void pdist_backward(const REAL* x, const REAL* dzdy, REAL* dzdx, double p_norm, Index root,
                                          double epsilon, Index der_image_step, Index der_pixel_step, TARGET, SIZES) {
  const REAL power = (REAL)p_norm, least = (REAL)epsilon;
  EACH_VECTOR {
    VECTOR;
    const Index first = image * depth * pixels + p;
    const REAL* other = target + image * image_step + p * pixel_step;
    REAL factor = dzdy[image * der_image_step + p * der_pixel_step];
    if (!root) {
      factor *= power;
    } else if (power != 1) {
      REAL total = total_distance(x + first, power, depth, pixels, other, 0, channel_step, 0);
      if (power > 1 && total < least) total = least;
      factor *= pow(total, (1 - power) / power);
    }
    if (!inside) continue;
    EACH_CHANNEL(d) {
      const REAL difference = x[first + d * pixels] - other[d * channel_step];
      REAL slope = difference;
      if (power != 2) {
        REAL size = abs(difference);
        if (power < 1 && size < least) size = least;
        const REAL sign = difference > 0 ? (REAL)1 : difference < 0 ? (REAL)-1 : difference;  // NaN stays
        slope = pow(size, power - 1) * sign;
      }
      dzdx[first + d * pixels] = slope * factor;
    }
  }
}
