#!/bin/sh
# Compiles the emulation's prototypes after the toolkit's own headers, and the pinned values against
# both. Usage: check.sh [C++ compiler]. Exits with 77 (skipped) where no toolkit is installed.
set -eu
compiler=${1:-c++}
here=$(dirname "$0")
toolkit=
for directory in "${CUDA_HOME:-}" "${CUDA_PATH:-}" /usr/local/cuda /usr/lib/cuda /opt/cuda; do
  if [ -n "$directory" ] && [ -f "$directory/include/cuda_runtime_api.h" ]; then
    toolkit=$directory/include
    break
  fi
done

"$compiler" -std=c++20 -fsyntax-only -Wall -Wextra -Werror -I"$here/../include" \
  -DCONFORMANCE_CUDNN -include cuda_runtime_api.h -include cublas_v2.h -include cufft.h \
  -include cudnn.h "$here/pinned_values.cpp"
if [ -z "$toolkit" ]; then
  echo "skipped: no CUDA toolkit found (set CUDA_HOME)"
  exit 77
fi
for header in cublas_v2.h cufft.h; do
  if [ ! -f "$toolkit/$header" ]; then
    echo "skipped: the toolkit in $toolkit has no $header"
    exit 77
  fi
done
cudnn=
if [ -f "$toolkit/cudnn.h" ]; then
  cudnn="-DCONFORMANCE_CUDNN -include cudnn.h"
else
  echo "the toolkit in $toolkit has no cudnn.h: its stand-in is not checked"
fi
# The emulation's include folder comes last, for the folder emulation/ only.
"$compiler" -std=c++20 -fsyntax-only -Wall -Wextra -Werror -isystem "$toolkit" \
  -idirafter "$here/../include" ${cudnn:+-DCONFORMANCE_CUDNN} "$here/prototypes.cpp"
"$compiler" -std=c++20 -fsyntax-only -Wall -Wextra -Werror -isystem "$toolkit" \
  -include cuda_runtime_api.h -include cublas_v2.h -include cufft.h $cudnn "$here/pinned_values.cpp"
echo "the emulation conforms to $toolkit"
