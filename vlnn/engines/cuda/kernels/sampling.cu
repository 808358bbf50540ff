#include "prelude.cu"

// The bilinear sampler: image (n, C, W, H), grid (m, WO*HO, 2) with y and x from -1 to 1, output (m, C, WO*HO).
//
// A thread looks up one place and serves some channels. Samples outside the image are 0.

#define CHANNELS 16  // of one thread, for which it has computed the weights

#define SIZES Index samples, Index per_image, Index channels, Index width, Index height, Index points

// Where the four pixels of a sample are, in the order top left, bottom left, top right, bottom right; -1 for those
// outside the image.
struct Corners {
  Index place[4];
  REAL y, x;  // how far after the first pixel the sample lies
};

// From [-1, 1] to a pixel and how far after it the place lies; pixel -1 for places outside. MatConvNet compares an int
// with a size_t: what lies before the first pixel, however little, is outside.
__device__ inline Index locate(REAL coordinate, Index size, REAL* after) {
  const REAL position = (coordinate + 1) * ((REAL)0.5 * (REAL)(size - 1));
  if (!(position >= 0 && position < (REAL)size)) {
    *after = 0;
    return -1;
  }
  const REAL pixel = floor(position);
  *after = position - pixel;
  return (Index)pixel;
}

__device__ inline Corners corners_of(const REAL* place, Index width, Index height) {
  Corners corners;
  const Index top = locate(place[0], height, &corners.y), left = locate(place[1], width, &corners.x);
  for (int k = 0; k < 4; ++k) {
    const Index row = top + k % 2, column = left + k / 2;
    const bool inside = top >= 0 && left >= 0 && row < height && column < width;
    corners.place[k] = inside ? column * height + row : -1;
  }
  return corners;
}

__device__ inline REAL weight(const Corners& corners, int k) {
  return (k % 2 ? corners.y : 1 - corners.y) * (k / 2 ? corners.x : 1 - corners.x);
}

__device__ inline REAL pixel(const REAL* image, const Corners& corners, int k) {
  return corners.place[k] < 0 ? (REAL)0 : image[corners.place[k]];
}

#define EACH_SAMPLE(point, part, sample) \
  EACH_Z(sample, samples) EACH_Y(part, (channels + CHANNELS - 1) / CHANNELS) EACH(point, points)
#define EACH_OWN_CHANNEL(c) for (Index c = part * CHANNELS; c < channels && c < (part + 1) * CHANNELS; ++c)

extern "C" __global__ void sampler_forward(const REAL* image, const REAL* grid, REAL* output, SIZES) {
  EACH_SAMPLE(point, part, sample) {
    const Corners corners = corners_of(grid + (sample * points + point) * 2, width, height);
    const Index own = sample / per_image;
    EACH_OWN_CHANNEL(c) {
      const REAL* plane = image + (own * channels + c) * width * height;
      REAL sum = 0;
      for (int k = 0; k < 4; ++k) sum += weight(corners, k) * pixel(plane, corners, k);
      output[(sample * channels + c) * points + point] = sum;
    }
  }
}

// Several samples may read one pixel: their shares are added in no fixed order.
extern "C" __global__ void sampler_backward_image(const REAL* grid, const REAL* der_output, REAL* der_image, SIZES) {
  EACH_SAMPLE(point, part, sample) {
    const Corners corners = corners_of(grid + (sample * points + point) * 2, width, height);
    const Index own = sample / per_image;
    EACH_OWN_CHANNEL(c) {
      REAL* plane = der_image + (own * channels + c) * width * height;
      const REAL der = der_output[(sample * channels + c) * points + point];
      for (int k = 0; k < 4; ++k) {
        if (corners.place[k] >= 0) atomicAdd(plane + corners.place[k], weight(corners, k) * der);
      }
    }
  }
}

// A thread for each sample, which goes through all channels.
extern "C" __global__ void sampler_backward_grid(const REAL* image, const REAL* grid, const REAL* der_output,
                                                 REAL* der_grid, SIZES) {
  EACH_Z(sample, samples) EACH(point, points) {
    const Index place = (sample * points + point) * 2;
    const Corners corners = corners_of(grid + place, width, height);
    const Index own = sample / per_image;
    double down = 0, right = 0;
    for (Index c = 0; c < channels; ++c) {
      const REAL* plane = image + (own * channels + c) * width * height;
      const REAL der = der_output[(sample * channels + c) * points + point];
      const REAL top_left = pixel(plane, corners, 0), bottom_left = pixel(plane, corners, 1);
      const REAL top_right = pixel(plane, corners, 2), bottom_right = pixel(plane, corners, 3);
      down += der * ((bottom_left - top_left) * (1 - corners.x) + (bottom_right - top_right) * corners.x);
      right += der * ((top_right - top_left) * (1 - corners.y) + (bottom_right - bottom_left) * corners.y);
    }
    der_grid[place] = (REAL)(down * 0.5 * (double)(height - 1));
    der_grid[place + 1] = (REAL)(right * 0.5 * (double)(width - 1));
  }
}
