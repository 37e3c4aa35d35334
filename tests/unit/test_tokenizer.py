"""The miniature's vocabulary."""

from transformers import CLIPTokenizer

from facea_core.synthetic.render import VOCABULARY
from pretraining.tokenizer import write_tokenizer


def test_every_word_of_the_painter_is_one_token(backbone):
    tokenizer = backbone.text.tokenizers["clip_l"]
    for word in VOCABULARY:
        assert len(tokenizer(word, add_special_tokens=False).input_ids) == 1, word


def test_words_that_share_letters_do_not_break_each_other(tmp_path):
    words = ["an", "man", "woman", "human", "a", "wo", "oman", "naan"]
    write_tokenizer(tmp_path, words)
    tokenizer = CLIPTokenizer.from_pretrained(str(tmp_path), local_files_only=True)
    assert [len(tokenizer(w, add_special_tokens=False).input_ids) for w in words] == [1] * 8


def test_any_text_can_be_tokenized(backbone):
    tokenizer = backbone.text.tokenizers["clip_l"]
    ids = tokenizer("xylophone's café 写真 🙂", add_special_tokens=False).input_ids
    assert tokenizer.unk_token_id not in ids


def test_the_same_words_write_the_same_bytes(tmp_path):
    write_tokenizer(tmp_path / "a", ["red", "hair"])
    write_tokenizer(tmp_path / "b", ["hair", "red", "red"])
    for name in ("vocab.json", "merges.txt"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
