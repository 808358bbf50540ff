#include "prelude.cu"

// Pooling: forward a thread for each window, backward a thread for each pixel, which asks the windows that cover it.

#define POOLING                                                                                               \
  Index planes, Index image_height, Index image_width, Index output_height, Index output_width,               \
      Index pool_height, Index pool_width, Index stride_y, Index stride_x, Index top, Index left

#define EACH_WINDOW(row, column, plane) EACH_PIXEL(row, column, plane, output_height, output_width, planes)

// The part of a window that lies in the image: from `first` up to `last`, which is excluded.
struct Range {
  int first, last;
};

__device__ inline Range inside(Index place, Index stride, Index before, Index pool, Index size) {
  const Index start = place * stride - before, stop = start + pool;
  return {(int)(start > 0 ? start : 0), (int)(stop < size ? stop : size)};
}

// The largest number of a window, NaN above all, and where it is first, in column order, from the window's corner.
// -Inf alone is nowhere, -1.
struct Maximum {
  REAL value;
  int place;
};

__device__ inline Maximum maximum(const REAL* image, Index row, Index column, POOLING) {
  const Range rows = inside(row, stride_y, top, pool_height, image_height);
  const Range columns = inside(column, stride_x, left, pool_width, image_width);
  const int corner = (int)(column * stride_x - left), start = (int)(row * stride_y - top);
  Maximum best = {-infinity(), -1};
  for (int w = columns.first; w < columns.last; ++w) {
    const REAL* pixels = image + w * image_height;
    for (int h = rows.first; h < rows.last; ++h) {
      const REAL value = pixels[h];
      if (value > best.value || (is_nan(value) && !is_nan(best.value))) {
        best.value = value;
        best.place = (w - corner) * (int)pool_height + (h - start);
      }
    }
  }
  return best;
}

#define SIZES                                                                                                 \
  planes, image_height, image_width, output_height, output_width, pool_height, pool_width, stride_y, stride_x, top, left

extern "C" __global__ void max_forward(const REAL* x, REAL* y, POOLING) {
  EACH_WINDOW(row, column, plane) {
    const Maximum best = maximum(x + plane * image_width * image_height, row, column, SIZES);
    y[(plane * output_width + column) * output_height + row] = best.value;
  }
}

extern "C" __global__ void max_places(const REAL* x, int* places, POOLING) {
  EACH_WINDOW(row, column, plane) {
    const Maximum best = maximum(x + plane * image_width * image_height, row, column, SIZES);
    places[(plane * output_width + column) * output_height + row] = best.place;
  }
}

// The windows over a pixel: the last one that begins at it or before, and those before that one which still reach it.
#define EACH_COVER(place, within, pixel, before, stride, pool, count)                                         \
  for (int place = (int)(pixel + before) / (int)stride, within = (int)(pixel + before) - place * (int)stride; \
       place >= 0 && within < (int)pool; --place, within += (int)stride)                                      \
    if (place < (int)count)

extern "C" __global__ void max_backward(const int* places, const REAL* dzdy, REAL* dzdx, POOLING) {
  EACH_PIXEL(h, w, plane, image_height, image_width, planes) {
    REAL sum = 0;
    EACH_COVER(column, across, w, left, stride_x, pool_width, output_width) {
      EACH_COVER(row, down, h, top, stride_y, pool_height, output_height) {
        const Index window = (plane * output_width + column) * output_height + row;
        if (places[window] == across * (int)pool_height + down) sum += dzdy[window];
      }
    }
    dzdx[(plane * image_width + w) * image_height + h] = sum;
  }
}

extern "C" __global__ void average_forward(const REAL* x, REAL* y, POOLING) {
  EACH_WINDOW(row, column, plane) {
    const Range rows = inside(row, stride_y, top, pool_height, image_height);
    const Range columns = inside(column, stride_x, left, pool_width, image_width);
    const REAL* image = x + plane * image_width * image_height;
    REAL sum = 0;
    for (int w = columns.first; w < columns.last; ++w) {
      for (int h = rows.first; h < rows.last; ++h) sum += image[w * image_height + h];
    }
    const REAL pixels = (REAL)(rows.last - rows.first) * (REAL)(columns.last - columns.first);
    y[(plane * output_width + column) * output_height + row] = sum / pixels;
  }
}

extern "C" __global__ void average_backward(const REAL* dzdy, REAL* dzdx, POOLING) {
  EACH_PIXEL(h, w, plane, image_height, image_width, planes) {
    REAL sum = 0;
    EACH_COVER(column, across, w, left, stride_x, pool_width, output_width) {
      const Range columns = inside(column, stride_x, left, pool_width, image_width);
      EACH_COVER(row, down, h, top, stride_y, pool_height, output_height) {
        const Range rows = inside(row, stride_y, top, pool_height, image_height);
        const REAL pixels = (REAL)(rows.last - rows.first) * (REAL)(columns.last - columns.first);
        sum += dzdy[(plane * output_width + column) * output_height + row] / pixels;
      }
    }
    dzdx[(plane * image_width + w) * image_height + h] = sum;
  }
}
