#include "prelude.cu"

// Sums over the channels of a batch, and batch normalisation.
//
// A channel is images * pixels numbers, which are cut into `strips`; a block adds up one strip, a thread the strips of
// one channel. Sums are double, of the differences to a number of the channel, so that nothing is lost where its mean
// is far from zero.

#define THREADS 256

// What a block's threads have, added up; all of them get the result.
__device__ double block_sum(double own) {
  __shared__ double room[THREADS];
  const int thread = threadIdx.x;
  room[thread] = own;
  __syncthreads();
  for (int half = THREADS / 2; half > 0; half /= 2) {
    if (thread < half) room[thread] += room[thread + half];
    __syncthreads();
  }
  const double sum = room[0];
  __syncthreads();
  return sum;
}

__device__ inline bool is_finite(REAL x) { return x - x == 0; }

// What is subtracted from the numbers of a channel before they are added up: the mean if it is given.
__device__ inline REAL centre_of(const REAL* x, const REAL* means, Index given, Index channel, Index images,
                                 Index pixels) {
  if (given) return means[channel];
  const REAL first = images * pixels > 0 ? x[channel * pixels] : (REAL)0;
  return is_finite(first) ? first : (REAL)0;
}

#define BATCH Index images, Index depth, Index pixels, Index strips

// Four sums for each channel and strip: of x, x^2, dzdy and x * dzdy, x from its centre. `with_x` and `with_y` say
// which of the arrays there are.
extern "C" __global__ void channel_sums(const REAL* x, const REAL* dzdy, const REAL* means, double* sums, Index given,
                                        Index with_x, Index with_y, BATCH) {
  const Index count = images * pixels, length = (count + strips - 1) / strips;
  const Index step_image = THREADS / pixels, step_pixel = THREADS - step_image * pixels;
  for (Index channel = blockIdx.y; channel < depth; channel += gridDim.y) {
    const REAL centre = with_x ? centre_of(x, means, given, channel, images, pixels) : (REAL)0;
    for (Index strip = blockIdx.x; strip < strips; strip += gridDim.x) {
      const Index last = (strip + 1) * length < count ? (strip + 1) * length : count;
      Index i = strip * length + threadIdx.x;
      Index image = i / pixels, pixel = i - image * pixels;
      double plain = 0, squares = 0, ders = 0, products = 0;
      for (; i < last; i += THREADS) {
        const Index place = (image * depth + channel) * pixels + pixel;
        const double value = with_x ? (double)(x[place] - centre) : 0, der = with_y ? (double)dzdy[place] : 0;
        plain += value;
        squares += value * value;
        ders += der;
        products += value * der;
        image += step_image;
        pixel += step_pixel;
        if (pixel >= pixels) {
          pixel -= pixels;
          ++image;
        }
      }
      const double all[4] = {plain, squares, ders, products};
      for (int k = 0; k < 4; ++k) {
        if (k < 2 ? !with_x : !with_y || (k == 3 && !with_x)) continue;
        const double sum = block_sum(all[k]);
        if (threadIdx.x == 0) sums[(channel * strips + strip) * 4 + k] = sum;
      }
    }
  }
}

__device__ inline double of_strips(const double* sums, Index channel, Index strips, int kind) {
  double sum = 0;
  for (Index strip = 0; strip < strips; ++strip) sum += sums[(channel * strips + strip) * 4 + kind];
  return sum;
}

extern "C" __global__ void totals(const double* sums, REAL* out, Index depth, Index strips) {
  EACH(channel, depth) out[channel] = (REAL)of_strips(sums, channel, strips, 2);
}

// moments (2, depth): the mean, and the root of the variance plus epsilon.
extern "C" __global__ void bnorm_moments(const REAL* x, const double* sums, REAL* moments, double epsilon, BATCH) {
  EACH(channel, depth) {
    const double count = (double)(images * pixels);
    const double mean = of_strips(sums, channel, strips, 0) / count;
    const double squares = of_strips(sums, channel, strips, 1) / count;
    const double variance = squares - mean * mean;
    moments[channel] = (REAL)(mean + centre_of(x, moments, 0, channel, images, pixels));
    moments[depth + channel] = (REAL)sqrt((variance < 0 ? 0 : variance) + epsilon);
  }
}

extern "C" __global__ void bnorm_forward(const REAL* x, const REAL* multipliers, const REAL* biases,
                                         const REAL* moments, REAL* y, Index images, Index depth, Index pixels) {
  EACH_Z(image, images) EACH_Y(channel, depth) {
    const REAL mean = moments[channel], factor = multipliers[channel] / moments[depth + channel];
    const REAL bias = biases[channel];
    const Index first = (image * depth + channel) * pixels;
    EACH(p, pixels) y[first + p] = (x[first + p] - mean) * factor + bias;
  }
}

// The derivatives in multipliers and biases, and the two numbers of each channel that those in x need: (2, depth).
extern "C" __global__ void bnorm_slopes(const REAL* x, const double* sums, const REAL* moments, REAL* der_multipliers,
                                        REAL* der_biases, REAL* slopes, Index given, BATCH) {
  EACH(channel, depth) {
    const double count = (double)(images * pixels), sigma = (double)moments[depth + channel];
    const double ders = of_strips(sums, channel, strips, 2);
    double products = of_strips(sums, channel, strips, 3);
    if (!given) products -= of_strips(sums, channel, strips, 0) / count * ders;  // now from the mean
    der_multipliers[channel] = (REAL)(products / sigma);
    der_biases[channel] = (REAL)ders;
    slopes[channel] = (REAL)(-products / (count * sigma * sigma));
    slopes[depth + channel] = (REAL)(-ders / count);
  }
}

extern "C" __global__ void bnorm_backward(const REAL* x, const REAL* dzdy, const REAL* multipliers, const REAL* moments,
                                          const REAL* slopes, REAL* dzdx, Index images, Index depth, Index pixels) {
  EACH_Z(image, images) EACH_Y(channel, depth) {
    const REAL mean = moments[channel], factor = multipliers[channel] / moments[depth + channel];
    const REAL slope = slopes[channel], offset = slopes[depth + channel];
    const Index first = (image * depth + channel) * pixels;
    EACH(p, pixels) dzdx[first + p] = ((x[first + p] - mean) * slope + dzdy[first + p] + offset) * factor;
  }
}
