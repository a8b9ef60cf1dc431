# What cmake --install puts where, and the Debian package that cpack makes of it.
include(GNUInstallDirs)

# The manual page and the completion are the program's own words.
set(WORDS ${PROJECT_BINARY_DIR}/words)
file(MAKE_DIRECTORY ${WORDS})
add_custom_command(OUTPUT ${WORDS}/antiphon.1 COMMAND antiphon help --man > ${WORDS}/antiphon.1 DEPENDS antiphon VERBATIM)
add_custom_command(OUTPUT ${WORDS}/antiphon COMMAND antiphon help --bash > ${WORDS}/antiphon DEPENDS antiphon VERBATIM)
add_custom_target(words ALL DEPENDS ${WORDS}/antiphon.1 ${WORDS}/antiphon)

# For pkg-config: where the prefix is, seen from the file, so that the tree may be moved.
file(RELATIVE_PATH PREFIX_FROM_PC ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" PREFIX_FROM_PC ${PREFIX_FROM_PC})
set(PC_REQUIRES "openblas, sndfile, libmpg123, libcjson, samplerate, kissfft-float, libebur128, libpng, zlib")
if(AP_CURL AND CURL_FOUND)
  string(APPEND PC_REQUIRES ", libcurl")
endif()
if(AP_DOUBLE)
  set(PC_CFLAGS " -DAP_DOUBLE")
endif()
string(STRIP "${OpenMP_C_FLAGS} ${CMAKE_THREAD_LIBS_INIT}" PC_THREADS)
configure_file(scripts/antiphon.pc.in antiphon.pc @ONLY)

install(TARGETS antiphon libantiphon antiphon_shared)
install(DIRECTORY include/antiphon DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_BINARY_DIR}/antiphon.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${WORDS}/antiphon.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${WORDS}/antiphon DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(DIRECTORY configs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/antiphon/configs FILES_MATCHING PATTERN "*.json")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})

# A package is for other machines than this one: cmake --preset package.
if(AP_NATIVE)
  return()
endif()
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME antiphon)
set(CPACK_PACKAGE_VENDOR "The Antiphon authors")
set(CPACK_PACKAGE_CONTACT "The Antiphon authors")
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION sound)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "composes audio: timing from one recording, harmony from another")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Antiphon trains a model that hears an input (drums, say) and a target (a
piano, say) and answers with something new: timing from the one, harmony and
timbre from the other, and a loudness envelope that copies neither.
.
It runs on CPUs alone. The package holds the program, the library with its
headers, the manual page, completion for bash, and configurations.")
# The shared libraries' packages are found out; of OpenBLAS's builds it is the OpenMP one, as the others fight for the cores.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})
set(CPACK_DEBIAN_PACKAGE_DEPENDS libopenblas0-openmp)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "pkg-config, libopenblas-openmp-dev, libsndfile1-dev, libmpg123-dev, libcjson-dev, libsamplerate0-dev, libkissfft-dev, libebur128-dev, libpng-dev, zlib1g-dev, libcurl4-openssl-dev")
# What tells dpkg who provides the library; that the loader's cache is out of date, cpack sees to.
file(WRITE ${PROJECT_BINARY_DIR}/debian/shlibs "libantiphon ${PROJECT_VERSION_MAJOR} antiphon (>= ${PROJECT_VERSION})\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/debian/shlibs)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/scripts/compress_manual.cmake)
include(CPack)
