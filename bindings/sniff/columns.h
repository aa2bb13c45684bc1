// What the columns of a file hold: for each, the types that all or nearly all its values have.
//
// Each type is tried with its own parser (rules/type.h), so what is found here loads. Which type to
// propose is decided elsewhere.
#ifndef PGHOST_SNIFF_COLUMNS_H
#define PGHOST_SNIFF_COLUMNS_H

#include "rules/type.h"
#include "sniff/cell.h"
#include "sniff/tokens.h"

typedef enum SniffKind {
  SNIFF_BOOLEAN,
  SNIFF_BIGINT,
  SNIFF_NUMERIC,
  SNIFF_DOUBLE,
  SNIFF_NUMERIC_COMMA,   // 1.234,5
  SNIFF_NUMERIC_GROUPED, // 1,234.5
  SNIFF_DATE,
  SNIFF_TIME,
  SNIFF_TIMESTAMP,
  SNIFF_TIMESTAMPTZ,
  SNIFF_UUID,
  SNIFF_JSON,
  SNIFF_FORMAT, // the first of SNIFF_FORMATS explicit formats
} SniffKind;

enum {
  SNIFF_FORMATS = 4,
  SNIFF_KINDS = SNIFF_FORMAT + SNIFF_FORMATS,
  SNIFF_FORMAT_SIZE = 40,
  SNIFF_EXAMPLES = 3,
  SNIFF_EXAMPLE_SIZE = 48,
};

typedef struct SniffExample {
  char text[SNIFF_EXAMPLE_SIZE];
  uint8_t len;
  bool cut;
  uint64_t line;
} SniffExample;

// Values whose text could not be recovered from a typed value, by what would be lost.
typedef struct SniffLosses {
  uint64_t leading_zeros;  // of numbers, as codes have them
  uint64_t plus_signs;     // of numbers, as telephone numbers have them
  uint64_t minus_zeros;    // "-0": the sign, but in a double
  uint64_t long_numbers;   // more digits than a double keeps
  uint64_t exponents;      // numbers written with one, which other numbers are not
  uint64_t bare_exponents; // of these, digits and an E alone, as codes have it: "1E5"
  uint64_t both_signs;     // numbers with point and comma, whose meaning is clear: "1.234,5"
  uint64_t rounded;        // times with more decimals than microseconds, or a second 60
  uint64_t zoned;          // times with a zone
  uint64_t respelled; // booleans in a second spelling ("yes" after "true"), UUIDs in another form
} SniffLosses;

typedef struct SniffColumn {
  uint32_t alive;  // bit 1 << SniffKind: few enough values are not of this type
  uint64_t values; // neither empty, nor blanks, nor a word for null
  uint64_t empty;
  uint64_t quoted_empty;
  uint64_t blank;  // blanks alone
  uint64_t padded; // with blanks around
  SniffLosses losses;
  uint64_t null_words[SNIFF_NULL_WORDS];
  uint64_t fails[SNIFF_KINDS];
  SniffExample failed[SNIFF_KINDS]; // the first value that is not of the type
  size_t min_length, max_length;    // characters
  SniffExample examples[SNIFF_EXAMPLES];
  size_t example_count;
  char formats[SNIFF_FORMATS][SNIFF_FORMAT_SIZE];
  Type types[SNIFF_FORMATS]; // date or timestamp, with the format
  char spellings[2][6];      // the first ones of false and true
  size_t format_count;
} SniffColumn;

typedef struct SniffColumns {
  SniffColumn *list; // owned
  size_t count;
  bool ascii; // set by the caller: the fields that come are ASCII
  Buffer scratch;
  Buffer text;
} SniffColumns;

// False: no memory.
bool sniff_columns_open(SniffColumns *columns, size_t count);
void sniff_columns_close(SniffColumns *columns);

// Takes in a record that has the right number of fields.
void sniff_columns_add(SniffColumns *columns, const SniffDialect *dialect,
                       const SniffRecord *record, uint64_t line);

#endif
