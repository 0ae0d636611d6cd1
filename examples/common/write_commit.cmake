# cmake -D source=TREE -D template=FILE -D result=FILE -P write_commit.cmake: the commit that TREE is at, into the template.
# The result is written when it changes, so that nothing is compiled for the same commit twice.

execute_process(COMMAND git -C "${source}" describe --always --dirty --exclude=* --abbrev=40
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed OR commit STREQUAL "")
  set(commit unknown)
endif()
configure_file("${template}" "${result}" @ONLY)
