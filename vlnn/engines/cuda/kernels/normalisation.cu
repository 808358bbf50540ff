#include "prelude.cu"

// Local response normalisation: y = x / base^beta, base = kappa + alpha * the sum of squares over the channels from
// `before` before one's own to `after` after it. A thread for each element; its neighbours read the same channels, so
// that the cache serves the window.

#define WINDOW double kappa, double alpha, double beta, Index before, Index after
#define SIZES Index images, Index depth, Index pixels

#define EACH_ELEMENT(image, d, p) EACH_Z(image, images) EACH_Y(d, depth) EACH(p, pixels)

// The channels from `first` up to `last`, which is included, as far as there are any.
#define EACH_NEIGHBOUR(k, first, last)                                              \
  for (Index k = (first) > 0 ? (first) : 0, end = (last) < depth - 1 ? (last) : depth - 1; k <= end; ++k)

__device__ inline REAL base_of(const REAL* x, Index d, Index depth, Index pixels, WINDOW) {
  REAL energy = 0;
  EACH_NEIGHBOUR(k, d - before, d + after) energy += x[k * pixels] * x[k * pixels];
  return (REAL)kappa + (REAL)alpha * energy;
}

__device__ inline REAL power(REAL base, double beta) {
  if (beta == 1) return base;
  if (beta == 0.5) return sqrt(base);
  if (beta == 0.75) return sqrt(base) * sqrt(sqrt(base));
  return pow(base, (REAL)beta);
}

extern "C" __global__ void lrn_forward(const REAL* x, REAL* y, WINDOW, SIZES) {
  EACH_ELEMENT(image, d, p) {
    const REAL* xs = x + image * depth * pixels + p;
    const REAL base = base_of(xs, d, depth, pixels, kappa, alpha, beta, before, after);
    y[(image * depth + d) * pixels + p] = xs[d * pixels] / power(base, beta);
  }
}

// Of the derivative the part of one's own energy, and what the windows over an element add up for the rest.
extern "C" __global__ void lrn_shares(const REAL* x, const REAL* dzdy, REAL* own, REAL* shares, WINDOW, SIZES) {
  EACH_ELEMENT(image, d, p) {
    const REAL* xs = x + image * depth * pixels + p;
    const REAL base = base_of(xs, d, depth, pixels, kappa, alpha, beta, before, after);
    const Index place = (image * depth + d) * pixels + p;
    own[place] = dzdy[place] / power(base, beta);
    shares[place] = xs[d * pixels] * own[place] / base;
  }
}

extern "C" __global__ void lrn_backward(const REAL* x, const REAL* own, const REAL* shares, REAL* dzdx, WINDOW, SIZES) {
  EACH_ELEMENT(image, d, p) {
    const Index first = image * depth * pixels + p;
    REAL spill = 0;
    EACH_NEIGHBOUR(k, d - after, d + before) spill += shares[first + k * pixels];
    const Index place = first + d * pixels;
    dzdx[place] = own[place] - (REAL)(2 * alpha * beta) * spill * x[place];
  }
}
