/* Ends the program with one line when memory runs out. */
#ifndef ANTIPHON_CLI_HEAP_H
#define ANTIPHON_CLI_HEAP_H

/* Switches to ap_fatal's handler, which prints the line and removes temporary files. Call it at the start of
 * main. */
void heap_main_begins(void);

#endif
