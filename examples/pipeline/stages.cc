#include "examples/pipeline/stages.h"

#include <string>

namespace pipeline {

mobula::Generator<Counts> CountedBlocks(Source source, int window) {
  // A stream is read by who has called for it, so each stage calls for the one
  // before it.
  mobula::RefStream<std::string> blocks =
      mobula::Spawn<Blocks>(mobula::TaskOptions().Window(window), source);
  for (const mobula::Ref<std::string>& block : blocks) {
    // Read where it lies: the words are copied, the block is not.
    const mobula::View<std::string> text = block.GetView();
    co_yield CountWords(text);
  }
}

Counts CountOnWorkers(const std::vector<Source>& sources, int window) {
  std::vector<mobula::RefStream<Counts>> lanes;
  for (const Source& source : sources) {
    lanes.push_back(mobula::Spawn<CountedBlocks>(
        mobula::TaskOptions().Window(window), source, window));
  }
  Counts all;
  while (!lanes.empty()) {
    // One of each in turn: the slowest lane holds back the others.
    for (auto lane = lanes.begin(); lane != lanes.end();) {
      const auto counts = mobula::BlockOn(lane->Next());
      if (counts.has_value()) {
        AddTo(&all, counts->Get());
        ++lane;
      } else {
        lane = lanes.erase(lane);
      }
    }
  }
  return all;
}

}  // namespace pipeline
