# Run by cpack before it packs: puts into each part what Debian wants every package to hold (policy 12.5 and 12.7), as
# small as it wants it, and without a time of day.
file(GLOB parts LIST_DIRECTORIES true ${CPACK_TEMPORARY_DIRECTORY}/*)
get_filename_component(source ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
foreach(part ${parts})
  get_filename_component(component ${part} NAME)
  string(TOUPPER ${component} component)
  set(name ${CPACK_DEBIAN_${component}_PACKAGE_NAME})
  if(NOT name)
    continue()
  endif()
  set(doc ${part}${CPACK_PACKAGING_INSTALL_PREFIX}/share/doc)
  if(component STREQUAL PROGRAM)
    file(RENAME ${doc}/antiphon/CHANGELOG.md ${doc}/antiphon/changelog)
  endif()
  # DEP-5: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
  file(READ ${source}/LICENSE licence)
  string(REGEX MATCH "Copyright[^\n]*" holder "${licence}")
  string(REGEX REPLACE "^Copyright (\\(c\\) )?" "" holder "${holder}")
  string(REGEX REPLACE "^.*Permission is hereby" "Permission is hereby" words "${licence}")
  string(STRIP "${words}" words)
  string(REPLACE "\n\n" "\n.\n" words "${words}")
  string(REPLACE "\n" "\n " words "${words}")
  file(WRITE ${doc}/${name}/copyright "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: antiphon

Files: *
Copyright: ${holder}
License: Expat

License: Expat
 ${words}
")
  file(WRITE ${doc}/${name}/changelog.Debian "antiphon (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium

  * Made from the sources by cpack.

 -- ${CPACK_PACKAGE_CONTACT}  Thu, 01 Jan 1970 00:00:00 +0000
")
  set(overrides "# This package is built by whoever wants one, and is not uploaded.\n${name}: initial-upload-closes-no-bugs *\n")
  if(component STREQUAL LIBRARY)
    string(APPEND overrides "# cpack writes these scripts.\n${name}: maintscript-calls-ldconfig *\n")
  endif()
  file(WRITE ${part}${CPACK_PACKAGING_INSTALL_PREFIX}/share/lintian/overrides/${name} "${overrides}")
  file(GLOB_RECURSE long ${part}/*.1 ${doc}/*/changelog ${doc}/*/changelog.Debian)
  foreach(file ${long})
    execute_process(COMMAND gzip -9n ${file} COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
  file(GLOB_RECURSE libraries ${part}/*.so.*.* ${part}/*.a)
  foreach(file ${libraries})
    execute_process(COMMAND strip --strip-unneeded --remove-section=.comment ${file} COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
endforeach()
