# Turns the // comments of our headers into ones that Doxygen reads: what opens
# a file is about the file, what stands before a declaration is about that, what
# stands behind one too. Lines indented by three or more are code. Prose is
# escaped, so that a "<" or "#" in it is what it looks like.

# Outside of `backticks`, within which nothing has to be escaped.
function escaped(text, parts, count, i, result) {
  count = split(text, parts, "`")
  for (i = 1; i <= count; ++i) {
    if (i % 2 == 1 || i == count) gsub(/[\\@<>&#%]/, "\\\\&", parts[i])
    result = result (i > 1 ? "`" : "") parts[i]
  }
  return result
}

function end_code() {
  if (in_code) print indent "/// @endcode"
  in_code = 0
}

# A comment of its own line.
/^ *\/\/( |$)/ && !/NOLINT|IWYU/ {
  match($0, /^ */)
  indent = substr($0, 1, RLENGTH)
  text = substr($0, RLENGTH + 3)
  if (FNR == 1) print "/// @file"
  if (text ~ /^   / || (in_code && text == "")) {
    if (!in_code) print indent "/// @code{.cpp}"
    in_code = 1
    print indent "///" text
  } else {
    end_code()
    # Paragraphs of their own, also where we save the empty line.
    if (text ~ /^ (Threading|Owner|Invariants|Failure|Errors|The idea)[ :,]/) {
      print indent "///"
    }
    print indent "///" escaped(text)
  }
  next
}

{ end_code() }

# One behind a declaration: not behind braces, directives or NOLINT.
/[;,] +\/\/ / && !/^ *#/ && !/NOLINT/ {
  at = index($0, "// ")
  print substr($0, 1, at - 1) "///< " escaped(substr($0, at + 3))
  next
}

{ print }
