// The command line that `ps` shows for this process.
#ifndef PGHOST_HOST_PROCESS_TITLE_H
#define PGHOST_HOST_PROCESS_TITLE_H

// Remembers where argv is. Call once, first thing in main.
void title_init(int argc, char **argv);

// Overwrites the command line. For a forked child: the words of argv are gone afterwards.
void title_set(const char *title);

#endif
