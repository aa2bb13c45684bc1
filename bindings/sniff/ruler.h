// Lines of dashes below the names of a table.
#ifndef PGHOST_SNIFF_RULER_H
#define PGHOST_SNIFF_RULER_H

#include "sniff/tokens.h"

// "--,----,---": what some programs draw below the names.
bool sniff_is_ruler(const SniffRecord *record);

#endif
