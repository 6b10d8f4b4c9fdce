// The stages behind the text: each reads the stream of the one before it, and
// is held back by the one behind it.
//
//   Blocks ----> CountedBlocks ----> CountOnWorkers
//   a worker     another worker      here
// Wherever a stage is slow, those before it wait with `window` blocks made and
// not taken: so a text of any length takes the memory of a few blocks.
// Threading: any.
// Failure: what a stage throws comes out of the one behind it, with what was
// counted before it lost.
#ifndef MOBULA_EXAMPLES_PIPELINE_STAGES_H_
#define MOBULA_EXAMPLES_PIPELINE_STAGES_H_

#include <mobula/mobula.h>

#include <vector>

#include "examples/pipeline/counts.h"
#include "examples/pipeline/text.h"

namespace pipeline {

// The middle stage: of each block its words.
mobula::Generator<Counts> CountedBlocks(Source source, int window);

// The last one: all words of all sources, each of which has a lane of stages of
// its own.
Counts CountOnWorkers(const std::vector<Source>& sources, int window);

}  // namespace pipeline

#endif  // MOBULA_EXAMPLES_PIPELINE_STAGES_H_
