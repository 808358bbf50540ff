#include "prelude.cu"

// Operations on single elements.

extern "C" __global__ void relu_forward(const REAL* x, REAL* y, double leak, Index count) {
  const REAL slope = (REAL)leak;
  EACH(i, count) {
    const REAL value = x[i];
    y[i] = value > 0 ? value : slope == 0 ? (REAL)0 : value * slope;  // without a leak 0 also for NaN
  }
}

extern "C" __global__ void relu_backward(const REAL* x, const REAL* dzdy, REAL* dzdx, double leak, Index count) {
  EACH(i, count) dzdx[i] = dzdy[i] * (x[i] > 0 ? (REAL)1 : (REAL)leak);
}

__device__ inline REAL sigmoid(REAL x) { return 1 / (1 + exp(-x)); }

extern "C" __global__ void sigmoid_forward(const REAL* x, REAL* y, Index count) {
  EACH(i, count) y[i] = sigmoid(x[i]);
}

extern "C" __global__ void sigmoid_backward(const REAL* x, const REAL* dzdy, REAL* dzdx, Index count) {
  EACH(i, count) {
    const REAL y = sigmoid(x[i]);
    dzdx[i] = dzdy[i] * (y * (1 - y));
  }
}

extern "C" __global__ void spnorm_forward(const REAL* x, const REAL* energy, REAL* y, double alpha, double beta,
                                          Index count) {
  EACH(i, count) y[i] = x[i] * pow(1 + (REAL)alpha * energy[i], -(REAL)beta);
}

extern "C" __global__ void spnorm_backward(const REAL* x, const REAL* energy, const REAL* dzdy, const REAL* spill,
                                           REAL* dzdx, double alpha, double beta, Index count) {
  const REAL share = (REAL)(2 * alpha * beta);
  EACH(i, count) {
    dzdx[i] = dzdy[i] * pow(1 + (REAL)alpha * energy[i], -(REAL)beta) - share * x[i] * spill[i];
  }
}

// `step` is 1, or 0 where one element of b serves all of a.
extern "C" __global__ void accumulate(const REAL* a, const REAL* b, REAL* sum, double alpha, double beta, Index step,
                                      Index count) {
  EACH(i, count) sum[i] = (REAL)alpha * a[i] + (REAL)beta * b[i * step];
}

// A rate of 1 makes 0 * Inf, as in MATLAB.
extern "C" __global__ void dropout_mask(const float* drawn, REAL* mask, double rate, double scale, Index count) {
  EACH(i, count) mask[i] = (REAL)(drawn[i] >= (float)rate) * (REAL)scale;
}
