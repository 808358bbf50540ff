#include "prelude.cu"
#include "lanes.cu"

// Lp norms over some axes. Axes next to each other that are both summed over, or both not, count as one, so that an
// element lies at (kept_0, summed_0, kept_1, summed_1, p). A vector is what has one norm: summed_0 * summed_1 numbers;
// its image is (kept_0, kept_1), its pixel p.

#define SIZES Index summed_0, Index kept_1, Index summed_1, Index images, Index depth, Index pixels

__device__ inline Index place_of(Index image, Index d, Index p, SIZES) {
  const Index outer = image / kept_1, inner = image - outer * kept_1;
  const Index first = summed_1 == 1 ? d : d / summed_1, second = d - first * summed_1;
  return (((outer * summed_0 + first) * kept_1 + inner) * summed_1 + second) * pixels + p;
}

#define PLACE(d) place_of(image, d, p, summed_0, kept_1, summed_1, images, depth, pixels)

__device__ inline REAL to_the(REAL x, REAL exponent) {
  return exponent == 2 ? x * x : exponent == 1 ? x : pow(x, exponent);
}

extern "C" __global__ void lp_norms(const REAL* x, REAL* norms, double exponent, double epsilon, SIZES) {
  EACH_VECTOR {
    VECTOR;
    double own = 0;
    EACH_CHANNEL(d) own += to_the(x[PLACE(d)], (REAL)exponent);
    const REAL total = (REAL)lanes_sum(own) + (REAL)epsilon;
    if (inside && threadIdx.y == 0) norms[image * pixels + p] = pow(total, (REAL)(1 / exponent));
  }
}

extern "C" __global__ void lp_backward(const REAL* x, const REAL* norms, const REAL* dzdy, REAL* dzdx, double exponent,
                                       SIZES) {
  EACH_VECTOR {
    VECTOR;
    const REAL norm = norms[image * pixels + p];
    double own = 0;
    EACH_CHANNEL(d) own += (double)x[PLACE(d)] * dzdy[PLACE(d)];
    const REAL share = (REAL)lanes_sum(own) / pow(norm, (REAL)(exponent + 1));
    if (!inside) continue;
    EACH_CHANNEL(d) {
      const Index place = PLACE(d);
      dzdx[place] = dzdy[place] / norm - to_the(x[place], (REAL)(exponent - 1)) * share;
    }
  }
}
