# Run at each build: writes the git commit of SOURCE into OUT, a header, if it has changed. Sources from an archive have
# none.
cmake_minimum_required(VERSION 3.22)
execute_process(COMMAND git -C ${SOURCE} rev-parse HEAD
                OUTPUT_VARIABLE commit ERROR_QUIET RESULT_VARIABLE code OUTPUT_STRIP_TRAILING_WHITESPACE)
set(modified false)
if(code EQUAL 0)
  execute_process(COMMAND git -C ${SOURCE} status --porcelain --untracked-files=no OUTPUT_VARIABLE changes ERROR_QUIET)
  if(changes)
    set(modified true)
  endif()
else()
  set(commit "")
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT "#define BUILT_FROM_COMMIT \"@commit@\"\n#define BUILT_FROM_MODIFIED @modified@\n" @ONLY)
