// What every file of kernels starts from. REAL is float or double; each file is compiled once for either.
//
// Arrays are planes, (N, D, W, H) in C order. Sizes arrive as 64-bit integers, as MATLAB's arrays pass 2^31 elements;
// blockIdx and threadIdx alone are 32-bit numbers. Every loop goes on in steps of the whole grid, so that a grid of any
// size computes the same.

typedef long long Index;

#define EACH(i, count)                                                                                       \
  for (Index i = blockIdx.x * (Index)blockDim.x + threadIdx.x; i < (count); i += (Index)gridDim.x * blockDim.x)
#define EACH_Y(i, count)                                                                                     \
  for (Index i = blockIdx.y * (Index)blockDim.y + threadIdx.y; i < (count); i += (Index)gridDim.y * blockDim.y)
#define EACH_Z(i, count)                                                                                     \
  for (Index i = blockIdx.z * (Index)blockDim.z + threadIdx.z; i < (count); i += (Index)gridDim.z * blockDim.z)

// The pixels of planes: h runs fastest, as in memory.
#define EACH_PIXEL(h, w, plane, height, width, planes) \
  EACH_Z(plane, planes) EACH_Y(w, width) EACH(h, height)

__device__ inline REAL infinity() { return (REAL)__longlong_as_double(0x7ff0000000000000LL); }

__device__ inline bool is_nan(REAL x) { return x != x; }
