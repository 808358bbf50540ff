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

// The derivative with narrow windows. A block takes PIXELS pixels and TILE channels at a time, works out what each of
// these channels and of their neighbours passes on, its share, and adds up the shares in the windows.
#define PIXELS 32
#define TILE 32
#define MOST_NEIGHBOURS 32  // before and after together

extern "C" __global__ void lrn_backward_narrow(const REAL* x, const REAL* dzdy, REAL* dzdx, WINDOW, SIZES) {
  __shared__ REAL shares[TILE + MOST_NEIGHBOURS][PIXELS];
  __shared__ REAL own[TILE + MOST_NEIGHBOURS][PIXELS];
  const REAL factor = (REAL)(2 * alpha * beta);
  for (Index image = blockIdx.z; image < images; image += gridDim.z) {
    for (Index tile = blockIdx.y * (Index)TILE; tile < depth; tile += gridDim.y * (Index)TILE) {
      for (Index p_0 = blockIdx.x * (Index)PIXELS; p_0 < pixels; p_0 += gridDim.x * (Index)PIXELS) {
        const Index p = p_0 + threadIdx.x, top = tile - after;
        const bool inside = p < pixels;
        const REAL *xs = x + image * depth * pixels + p, *ders = dzdy + image * depth * pixels + p;
        for (int row = threadIdx.y; row < TILE + before + after; row += blockDim.y) {
          const Index d = top + row;
          REAL share = 0, mine = 0;
          if (inside && d >= 0 && d < depth) {
            const REAL base = base_of(xs, d, depth, pixels, kappa, alpha, beta, before, after);
            mine = ders[d * pixels] / power(base, beta);
            share = xs[d * pixels] * mine / base;
          }
          own[row][threadIdx.x] = mine;
          shares[row][threadIdx.x] = share;
        }
        __syncthreads();
        for (int row = threadIdx.y; inside && row < TILE && tile + row < depth; row += blockDim.y) {
          REAL spill = 0;
          for (int k = row; k <= row + before + after; ++k) spill += shares[k][threadIdx.x];
          const Index place = (tile + row) * pixels;
          dzdx[image * depth * pixels + p + place] = own[row + after][threadIdx.x] - factor * spill * xs[place];
        }
        __syncthreads();
      }
    }
  }
}

// The derivative with wide windows, in two steps. Of each element the part of one's own energy, and its share.
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
