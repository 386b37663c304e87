// The parts of tokenizer.json from their JSON. `where` is the file and the path to the part ("tokenizer.json: normalizer").
// A part this program does not have is Error(kInput) "tokenizer.unsupported"; a malformed one "tokenizer.<part>" or "json.*".
#pragma once

#include <memory>
#include <string>

#include "base/json.h"
#include "text/added_vocabulary.h"
#include "text/bpe.h"
#include "text/decoder.h"
#include "text/normalizer.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer.h"
#include "text/token_model.h"

namespace attune {

/// nullptr for a JSON null.
std::unique_ptr<Normalizer> parse_normalizer(const Json& json, const std::string& where);
std::unique_ptr<PreTokenizer> parse_pre_tokenizer(const Json& json, const std::string& where);
PostProcessor parse_post_processor(const Json& json, const std::string& where);
Decoder parse_decoder(const Json& json, const std::string& where);

/// {"token": id, ...}; not empty, ids unique and below 2^31.
Vocabulary parse_vocabulary(const Json& json, const std::string& where);
/// vocab.txt: one token a line, its id the line's number from 0; white space at the end of a line is no part of it; of a repeated token the
/// last counts.
Vocabulary parse_vocabulary_lines(std::string_view text, const std::string& where);
/// Merges by rank, as pairs or as "a b". `prefix`: bytes of the continuing prefix. Error(kInput) "tokenizer.merges".
std::vector<BpeMerge> parse_merges(const Json& json, const Vocabulary& vocabulary, size_t prefix, const std::string& where);
/// merges.txt: "#version" lines skipped, two tokens with a space between them a line.
std::vector<BpeMerge> parse_merge_lines(std::string_view text, const Vocabulary& vocabulary, size_t prefix, const std::string& where);
/// A WordPiece model; its JSON may come without "vocab", which is given apart.
std::unique_ptr<TokenModel> parse_model(const Json& json, Vocabulary vocabulary, const std::string& where);
/// The same for a BPE model, its merges given apart too.
std::unique_ptr<TokenModel> parse_bpe(const Json& json, Vocabulary vocabulary, const std::vector<BpeMerge>& merges, const std::string& where);
/// "WordPiece", "BPE", ...; of an old file without "type" by its members.
std::string model_type_of(const Json& json, const std::string& where);
/// Error unless the model is of a kind read here.
void require_supported_model(const Json& json, const std::string& where);

/// An entry of "added_tokens" or of tokenizer_config.json: an object with "content".
AddedToken parse_added_token(const Json& json, const std::string& where);
Json added_token_json(const AddedToken& token);

}  // namespace attune
