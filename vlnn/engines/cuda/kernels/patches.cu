#include "prelude.cu"

// Patches of images as columns of a matrix, and back: what turns a convolution into a product of matrices.
//
//     columns[(c, u, v)][image, wo, ho] = x[image, c, w, h]
//     w = wo * stride_x + u * dilate_x - left,  h = ho * stride_y + v * dilate_y - top
//
// Of the outputs only those of `images` images and of the columns from `first_column` up to `last_column` are there.
// `row_step` and `image_step` say how far apart rows and images are, so that a matrix may hold one image or many.

#define PATCHES                                                                                               \
  Index images, Index channels, Index image_height, Index image_width, Index filter_height, Index filter_width, \
      Index output_height, Index stride_y, Index stride_x, Index dilate_y, Index dilate_x, Index top, Index left, \
      Index first_column, Index last_column, Index row_step, Index image_step

// A thread for each output and channel, which writes all the taps of its patch.
extern "C" __global__ void im2row(const REAL* x, REAL* columns, PATCHES) {
  EACH_PIXEL(ho, local, plane, output_height, last_column - first_column, images * channels) {
    const Index image = plane / channels, channel = plane - image * channels;
    const REAL* source = x + plane * image_width * image_height;
    REAL* target = columns + channel * filter_width * filter_height * row_step + image * image_step +
                   local * output_height + ho;
    const int h = (int)(ho * stride_y - top), w = (int)((first_column + local) * stride_x - left);
    for (int u = 0; u < (int)filter_width; ++u) {
      const int column = w + u * (int)dilate_x;
      const bool in_width = column >= 0 && column < (int)image_width;
      for (int v = 0; v < (int)filter_height; ++v) {
        const int row = h + v * (int)dilate_y;
        const bool in_image = in_width && row >= 0 && row < (int)image_height;
        *target = in_image ? source[column * image_height + row] : (REAL)0;
        target += row_step;
      }
    }
  }
}

// The first tap that falls on a pixel (counted from the pad's first) and the output to which it belongs; other such
// taps follow every `period` taps. A place before all others where no tap does.
struct Meeting {
  int tap, place;
};

__device__ inline Meeting first_meeting(int pixel, int stride, int dilate, int period) {
  int place = pixel / stride, rest = pixel - place * stride;
  for (int tap = 0; tap < period; ++tap) {
    if (rest == 0) return {tap, place};
    rest -= dilate % stride;
    place -= dilate / stride;
    if (rest < 0) {
      rest += stride;
      --place;
    }
  }
  return {0, -1};
}

// A thread for each pixel, which adds up what the taps that fall on it have: no two threads write to one place. `more`
// says that other outputs have been there before, else biases are added where there are any.
extern "C" __global__ void row2im(const REAL* columns, const REAL* biases, Index with_biases, REAL* x, Index more,
                                  Index period_y, Index period_x, PATCHES) {
  const int hop_y = (int)(dilate_y * period_y / stride_y), hop_x = (int)(dilate_x * period_x / stride_x);
  EACH_PIXEL(h, w, plane, image_height, image_width, images * channels) {
    const Index image = plane / channels, channel = plane - image * channels;
    const REAL* source = columns + channel * filter_width * filter_height * row_step + image * image_step;
    const Meeting down = first_meeting((int)(h + top), (int)stride_y, (int)dilate_y, (int)period_y);
    const Meeting across = first_meeting((int)(w + left), (int)stride_x, (int)dilate_x, (int)period_x);
    REAL sum = 0;
    for (int u = across.tap, wo = across.place; u < (int)filter_width && wo >= (int)first_column;
         u += (int)period_x, wo -= hop_x) {
      if (wo >= (int)last_column) continue;
      const REAL* outputs = source + (wo - first_column) * output_height;
      for (int v = down.tap, ho = down.place; v < (int)filter_height && ho >= 0; v += (int)period_y, ho -= hop_y) {
        if (ho < (int)output_height) sum += outputs[(u * filter_height + v) * row_step + ho];
      }
    }
    REAL* target = x + (plane * image_width + w) * image_height + h;
    *target = more ? *target + sum : with_biases ? sum + biases[channel] : sum;
  }
}

// Planes (images, depth, all_pixels), of which some pixels are taken, as rows (depth, images * pixels).
#define ROWS Index images, Index depth, Index all_pixels, Index first_pixel, Index pixels

extern "C" __global__ void planes_to_rows(const REAL* planes, REAL* rows, ROWS) {
  EACH_Z(k, depth) EACH_Y(image, images) EACH(p, pixels) {
    rows[(k * images + image) * pixels + p] = planes[(image * depth + k) * all_pixels + first_pixel + p];
  }
}

extern "C" __global__ void rows_to_planes(const REAL* rows, const REAL* biases, Index with_biases, REAL* planes, ROWS) {
  EACH_Z(k, depth) EACH_Y(image, images) EACH(p, pixels) {
    const REAL value = rows[(k * images + image) * pixels + p];
    planes[(image * depth + k) * all_pixels + first_pixel + p] = with_biases ? value + biases[k] : value;
  }
}

extern "C" __global__ void fill(const REAL* biases, REAL* planes, Index images, Index depth, Index pixels) {
  EACH_Z(k, depth) EACH_Y(image, images) EACH(p, pixels) planes[(image * depth + k) * pixels + p] = biases[k];
}
