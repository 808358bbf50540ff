// Sums and maxima over the channels of single pixels.
//
// A block has blockDim.x pixels of blockDim.z images; blockDim.y threads, its lanes, share the channels of each pixel.
// blockDim.y is a power of two. All threads of a block take every step together; those past the last pixel or image do
// what the last one does, and write nothing.

#define THREADS 256

#define EACH_VECTOR                                                                                          \
  for (Index image_0 = blockIdx.z * (Index)blockDim.z; image_0 < images; image_0 += gridDim.z * (Index)blockDim.z) \
    for (Index p_0 = blockIdx.x * (Index)blockDim.x; p_0 < pixels; p_0 += gridDim.x * (Index)blockDim.x)
#define VECTOR                                                                                               \
  const bool inside = image_0 + threadIdx.z < images && p_0 + threadIdx.x < pixels;                          \
  const Index image = image_0 + threadIdx.z < images ? image_0 + threadIdx.z : images - 1;                   \
  const Index p = p_0 + threadIdx.x < pixels ? p_0 + threadIdx.x : pixels - 1
#define EACH_CHANNEL(d) for (Index d = threadIdx.y; d < depth; d += blockDim.y)

__device__ inline int room_of(int lane) { return (threadIdx.z * blockDim.y + lane) * blockDim.x + threadIdx.x; }

// What the lanes have, added up; all of them get the result.
__device__ double lanes_sum(double own) {
  __shared__ double room[THREADS];
  const int lane = threadIdx.y;
  room[room_of(lane)] = own;
  __syncthreads();
  for (int half = blockDim.y / 2; half > 0; half /= 2) {
    if (lane < half) room[room_of(lane)] += room[room_of(lane + half)];
    __syncthreads();
  }
  const double sum = room[room_of(0)];
  __syncthreads();
  return sum;
}

// The largest number and the first channel that has it; of no numbers -Inf and channel -1.
struct Largest {
  REAL value;
  Index channel;
};

__device__ inline Largest larger(Largest one, Largest other) {
  if (other.channel < 0 || one.value > other.value) return one;
  if (one.channel < 0 || other.value > one.value) return other;
  return one.channel < other.channel ? one : other;
}

__device__ Largest lanes_largest(Largest own) {
  __shared__ REAL values[THREADS];
  __shared__ Index channels[THREADS];
  const int lane = threadIdx.y;
  values[room_of(lane)] = own.value;
  channels[room_of(lane)] = own.channel;
  __syncthreads();
  for (int half = blockDim.y / 2; half > 0; half /= 2) {
    if (lane < half) {
      const int mine = room_of(lane), other = room_of(lane + half);
      const Largest both = larger({values[mine], channels[mine]}, {values[other], channels[other]});
      values[mine] = both.value;
      channels[mine] = both.channel;
    }
    __syncthreads();
  }
  const Largest all = {values[room_of(0)], channels[room_of(0)]};
  __syncthreads();
  return all;
}

// The largest of a pixel's channels but one; NaN counts as -Inf.
__device__ inline Largest largest_but(const REAL* x, Index but, Index depth, Index pixels) {
  Largest own = {-infinity(), -1};
  EACH_CHANNEL(d) {
    const REAL value = d == but || is_nan(x[d * pixels]) ? -infinity() : x[d * pixels];
    own = larger(own, {value, d});
  }
  return lanes_largest(own);
}

// The largest of a pixel's channels, and the sum of exp(x - largest).
struct Exponentials {
  REAL largest, total;
};

__device__ inline Exponentials exponentials(const REAL* x, Index depth, Index pixels) {
  const REAL largest = largest_but(x, -1, depth, pixels).value;
  double own = 0;
  EACH_CHANNEL(d) own += exp(x[d * pixels] - largest);
  return {largest, (REAL)lanes_sum(own)};
}
