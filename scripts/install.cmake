# What cmake --install puts where, and the Debian package that cpack makes of it.

# The manual page and the completion are the program's own words.
set(WORDS ${PROJECT_BINARY_DIR}/words)
file(MAKE_DIRECTORY ${WORDS})
add_custom_command(OUTPUT ${WORDS}/antiphon.1 COMMAND antiphon help --man > ${WORDS}/antiphon.1 DEPENDS antiphon VERBATIM)
add_custom_command(OUTPUT ${WORDS}/antiphon COMMAND antiphon help --bash > ${WORDS}/antiphon DEPENDS antiphon VERBATIM)
add_custom_target(words ALL DEPENDS ${WORDS}/antiphon.1 ${WORDS}/antiphon)

# For pkg-config: where the prefix is, seen from the file, so that the tree may be moved.
file(RELATIVE_PATH PREFIX_FROM_PC ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" PREFIX_FROM_PC ${PREFIX_FROM_PC})
set(PC_REQUIRES "openblas, sndfile, libmpg123, libcjson, soxr, kissfft-float, libebur128, libpng, zlib")
if(AP_CURL AND CURL_FOUND)
  string(APPEND PC_REQUIRES ", libcurl")
endif()
if(AP_DOUBLE)
  set(PC_CFLAGS " -DAP_DOUBLE")
endif()
string(STRIP "${OpenMP_C_FLAGS} ${CMAKE_THREAD_LIBS_INIT}" PC_THREADS)
configure_file(scripts/antiphon.pc.in antiphon.pc @ONLY)

# Three parts, as Debian splits them: the program, the shared library, and what it takes to build with it.
install(TARGETS antiphon COMPONENT program)
if(MPI_MODULES)
  install(TARGETS ${MPI_MODULES} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/antiphon COMPONENT program)
endif()
install(TARGETS antiphon_shared LIBRARY COMPONENT library NAMELINK_COMPONENT development)
install(TARGETS libantiphon COMPONENT development)
install(DIRECTORY include/antiphon DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_BINARY_DIR}/antiphon.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
install(FILES ${WORDS}/antiphon.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
install(FILES ${WORDS}/antiphon DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT program)
install(DIRECTORY configs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/antiphon/configs COMPONENT program FILES_MATCHING PATTERN "*.json")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright COMPONENT program)
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program OPTIONAL)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)

# A package is for other machines than this one: cmake --preset package.
if(AP_NATIVE)
  return()
endif()
set(AP_MAINTAINER "The Antiphon authors <antiphon@packages.invalid>" CACHE STRING "Whom the Debian packages name as their maintainer")
set(SONAME_PACKAGE libantiphon${PROJECT_VERSION_MAJOR})
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME antiphon)
set(CPACK_PACKAGE_VENDOR "The Antiphon authors")
set(CPACK_PACKAGE_CONTACT ${AP_MAINTAINER})
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program library development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each part has its own

set(WHAT_IT_IS
"Antiphon trains a model that hears an input (drums, say) and a target (a
piano, say) and answers with something new: timing from the one, harmony and
timbre from the other, and a loudness envelope that copies neither. It runs on
CPUs alone.
.
")
macro(package component name section summary description)
  string(TOUPPER ${component} COMPONENT)
  set(CPACK_DEBIAN_${COMPONENT}_PACKAGE_NAME ${name})
  set(CPACK_DEBIAN_${COMPONENT}_PACKAGE_SECTION ${section})
  set(CPACK_DEBIAN_${COMPONENT}_DESCRIPTION "${summary}\n${WHAT_IT_IS}${description}")
  set(CPACK_DEBIAN_${COMPONENT}_PACKAGE_SHLIBDEPS ON)
endmacro()
package(program antiphon sound "composes audio: timing from one recording, harmony from another"
"This package holds the program, its manual page, completion for bash,
configurations and documents.")
package(library ${SONAME_PACKAGE} libs "trains and runs models that compose audio (shared library)"
"This package holds the shared library.")
package(development libantiphon-dev libdevel "trains and runs models that compose audio (development files)"
"This package holds the headers, the static library and what pkg-config
needs.")

# The shared libraries' packages are found out; of OpenBLAS's builds it is the OpenMP one, as the others fight for the cores.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})
set(OWN_LIBRARY "${SONAME_PACKAGE} (= ${PROJECT_VERSION}-1)")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS libopenblas0-openmp)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS libopenblas0-openmp) # it holds the library itself
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS "libjack-jackd2-0 | libjack-0.125") # what `antiphon live` loads
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${OWN_LIBRARY}, libopenblas-openmp-dev, libsndfile1-dev, libmpg123-dev, libcjson-dev, libsoxr-dev, libkissfft-dev, libebur128-dev, libpng-dev, zlib1g-dev, libcurl4-openssl-dev")
# What tells dpkg who provides the library, and the loader that there is a new one.
file(WRITE ${PROJECT_BINARY_DIR}/debian/shlibs "libantiphon ${PROJECT_VERSION_MAJOR} ${SONAME_PACKAGE} (>= ${PROJECT_VERSION})\n")
file(WRITE ${PROJECT_BINARY_DIR}/debian/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/debian/shlibs ${PROJECT_BINARY_DIR}/debian/triggers)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/scripts/debian_files.cmake)
include(CPack)
