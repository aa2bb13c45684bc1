// Whether quotes that are data in a dialect without quotes look like real quotes.
#ifndef PGHOST_SNIFF_LOOSE_QUOTES_H
#define PGHOST_SNIFF_LOOSE_QUOTES_H

#include "sniff/structure.h"

// Sets `wrapped_quotes` and `unclosed_quote`. False: no memory.
bool sniff_find_loose_quotes(const SniffSample *sample, const SniffDialect *dialect,
                             SniffStructure *structure);

#endif
