#include "prelude.cu"

// Pooling of regions of interest: a thread for each bin of each region and channel.
//
// rois has rows t, u0, v0, u1, v1, counted from 1. Corners are rounded where MatConvNet rounds. Products and sums are
// taken one by one, as fused ones would round elsewhere.

#define FAR 1073741824.0  // pixels from the image: a region that far away or that large may as well end there

#define REGIONS                                                                                               \
  Index regions, Index batch, Index channels, Index width, Index height, Index bins_x, Index bins_y,          \
      double a, double b, double c, double d, double e, double f
#define EACH_BIN(row, column, plane) EACH_PIXEL(row, column, plane, bins_y, bins_x, regions * channels)

struct Range {
  Index first, last;  // the last one is excluded
};

// C's round, half away from zero; NaN lies far away.
__device__ inline double rounded(REAL value) {
  double whole = trunc((double)value);
  if (abs((double)value - whole) >= 0.5) whole += copysign(1.0, (double)value);
  if (!(whole > -FAR)) return -FAR;
  return whole < FAR ? whole : FAR;
}

__device__ inline Index clipped(double place, Index size) {
  return place <= 0 ? 0 : place >= (double)size ? size : (Index)place;
}

// The pixels of one of `count` overlapping ranges that make up those from a first corner to a last one.
__device__ inline Range bin_of(REAL first, REAL last, Index bin, Index count, Index size) {
  const double start = rounded(first) - 1, stop = rounded(last) - 1;
  const REAL length = (REAL)(stop - start + 1 > 1 ? stop - start + 1 : 1.0), step = length / (REAL)count;
  return {clipped(floor((double)((REAL)bin * step)) + start, size),
          clipped(ceil((double)((REAL)(bin + 1) * step)) + start, size)};
}

__device__ inline REAL moved(double by_u, double u, double by_v, double v, double by) {
  return (REAL)__dadd_rn(__dadd_rn(__dmul_rn(by_u, u), __dmul_rn(by_v, v)), by);
}

struct Bin {
  Index image;
  Range columns, rows;
};

__device__ inline Bin find_bin(const REAL* roi, Index column, Index row, REGIONS) {
  const double t = trunc((double)roi[0]), u0 = roi[1], v0 = roi[2], u1 = roi[3], v1 = roi[4];
  const Index image = t >= (double)batch ? batch - 1 : t > 1 ? (Index)t - 1 : 0;
  return {image, bin_of(moved(a, u0, c, v0, e), moved(a, u1, c, v1, e), column, bins_x, width),
          bin_of(moved(b, u0, d, v0, f), moved(b, u1, d, v1, f), row, bins_y, height)};
}

#define ALL regions, batch, channels, width, height, bins_x, bins_y, a, b, c, d, e, f

// The first of the largest pixels, in MATLAB's order; NaN is the largest. -1 where all are -Inf, or there are none.
struct Maximum {
  REAL value;
  Index place;
};

__device__ inline Maximum maximum(const REAL* plane, const Bin& bin, Index height) {
  Maximum best = {-infinity(), -1};
  for (Index w = bin.columns.first; w < bin.columns.last; ++w) {
    for (Index h = bin.rows.first; h < bin.rows.last; ++h) {
      const REAL value = plane[w * height + h];
      if (value > best.value || (is_nan(value) && !is_nan(best.value))) best = {value, w * height + h};
    }
  }
  return best;
}

__device__ inline Index pixels_of(const Bin& bin) {
  const Index columns = bin.columns.last - bin.columns.first, rows = bin.rows.last - bin.rows.first;
  return columns > 0 && rows > 0 ? columns * rows : 0;
}

extern "C" __global__ void roi_maximum(const REAL* image, const REAL* rois, REAL* output, REGIONS) {
  EACH_BIN(row, column, plane) {
    const Index roi = plane / channels, channel = plane - roi * channels;
    const Bin bin = find_bin(rois + roi * 5, column, row, ALL);
    const REAL* source = image + (bin.image * channels + channel) * width * height;
    output[(plane * bins_x + column) * bins_y + row] =
        pixels_of(bin) ? maximum(source, bin, height).value : (REAL)0;
  }
}

extern "C" __global__ void roi_average(const REAL* image, const REAL* rois, REAL* output, REGIONS) {
  EACH_BIN(row, column, plane) {
    const Index roi = plane / channels, channel = plane - roi * channels;
    const Bin bin = find_bin(rois + roi * 5, column, row, ALL);
    const REAL* source = image + (bin.image * channels + channel) * width * height;
    const Index pixels = pixels_of(bin);
    REAL sum = 0;
    for (Index w = bin.columns.first; pixels && w < bin.columns.last; ++w) {
      for (Index h = bin.rows.first; h < bin.rows.last; ++h) sum += source[w * height + h];
    }
    output[(plane * bins_x + column) * bins_y + row] = pixels ? sum / (REAL)pixels : (REAL)0;
  }
}

// Bins overlap, within a region and from region to region: their shares are added in no fixed order.
extern "C" __global__ void roi_maximum_backward(const REAL* image, const REAL* rois, const REAL* der_output,
                                                REAL* der_image, REGIONS) {
  EACH_BIN(row, column, plane) {
    const Index roi = plane / channels, channel = plane - roi * channels;
    const Bin bin = find_bin(rois + roi * 5, column, row, ALL);
    const Index first = (bin.image * channels + channel) * width * height;
    const Index place = maximum(image + first, bin, height).place;
    if (place >= 0) atomicAdd(der_image + first + place, der_output[(plane * bins_x + column) * bins_y + row]);
  }
}

extern "C" __global__ void roi_average_backward(const REAL* rois, const REAL* der_output, REAL* der_image, REGIONS) {
  EACH_BIN(row, column, plane) {
    const Index roi = plane / channels, channel = plane - roi * channels;
    const Bin bin = find_bin(rois + roi * 5, column, row, ALL);
    const Index pixels = pixels_of(bin);
    if (!pixels) continue;
    REAL* target = der_image + (bin.image * channels + channel) * width * height;
    const REAL share = der_output[(plane * bins_x + column) * bins_y + row] / (REAL)pixels;
    for (Index w = bin.columns.first; w < bin.columns.last; ++w) {
      for (Index h = bin.rows.first; h < bin.rows.last; ++h) atomicAdd(target + w * height + h, share);
    }
  }
}
