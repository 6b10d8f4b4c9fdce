#include "examples/mandelbrot/render.h"

#include <mobula/mobula.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace mandelbrot {

Image Render(const Frame& frame, std::uint32_t tasks) {
  const std::vector<Band> bands = CutIntoBands(frame, tasks);
  std::vector<mobula::Ref<std::vector<std::uint8_t>>> drawn;
  for (const Band& band : bands) {
    drawn.push_back(mobula::Spawn<RenderBand>(frame, band));
  }
  const std::size_t row_bytes = std::size_t{frame.width} * kPixelBytes;
  Image image{frame.width, frame.height, {}};
  image.bytes.resize(row_bytes * frame.height);
  for (std::size_t i = 0; i < bands.size(); ++i) {
    // Shows the bytes in memory that is shared with the worker: the only copy
    // is that into the image.
    const mobula::View<std::vector<std::uint8_t>> bytes =
        mobula::GetView(drawn[i]);
    std::copy(bytes.begin(), bytes.end(),
              image.bytes.data() + row_bytes * bands[i].first);
    drawn[i] = {};  // wanted no more: its room is free again
  }
  return image;
}

}  // namespace mandelbrot
