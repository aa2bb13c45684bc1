// How the text of a file is encoded: the encoding requested, the one detected, and how to read it.
//
// A file in a superset of ASCII is tokenised without conversion and its fields are converted
// afterwards (decode.h), so that lines, offsets and original bytes are those of the file. Only
// other encodings are converted first (transcode.h).
#ifndef PGHOST_CSV_ENCODING_H
#define PGHOST_CSV_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef enum EncodingKind {
  ENCODING_UTF8,    // taken as it is
  ENCODING_FIELDS,  // superset of ASCII: fields are converted one by one
  ENCODING_UTF16LE, // converted to UTF-8 first, reversibly
  ENCODING_UTF16BE,
  ENCODING_STREAM, // anything else: converted to UTF-8 first; positions are those of the UTF-8
} EncodingKind;

enum { ENCODING_NAME = 40, ENCODING_NOTE = 96 };

typedef struct TextOptions {
  char encoding[ENCODING_NAME]; // "utf-8", a name known to iconv, or "auto"
  EncodingKind kind;            // set when the source is opened
  bool exact_ascii;             // set then too: every byte below 0x80 is ASCII
  bool fallback;                // invalid fields are read as windows-1252
  bool strip_nul;               // NUL bytes are removed instead of rejected
  char stored[ENCODING_NAME];   // the database's, as iconv knows it; "": all of Unicode
} TextOptions;

// Replaces a name unknown to iconv by iconv's own spelling of it: Python's latin-1, utf_8 and
// utf-8-sig, PostgreSQL's WIN1252 and EUC_JP.
void encoding_common_name(char name[ENCODING_NAME]);

// Determines the kind of `options->encoding`, and whether text in it can be split at the bytes
// special[0, count) (delimiter, quote, line ends). False: unknown to iconv (code "usage"), or one
// of the bytes may be part of a character (code "encoding").
bool encoding_resolve(TextOptions *options, const char *special, size_t count, Error *error);

// Whether TextOptions.fallback can have an effect in the named encoding: not if the file is
// converted first. Also true for an unknown name and for "auto".
bool encoding_takes_fallback(const char *name);

// The byte order mark that bytes[0, len) starts with: its length (0: none), and in *name the
// encoding it indicates.
size_t encoding_of_mark(const char *bytes, size_t len, const char **name);

#endif
