"""What is said of a configuration that cannot be used: file or variable or flag, key, what is allowed."""

from pathlib import Path

import pytest

from sent_graphql.configuration import ConfigurationError, load_settings
from sent_graphql.configuration_errors import MAX_SHOWN


def refused(
    text: str | bytes | None, tmp_path: Path, flags: dict[str, object] | None = None, **environ: str
) -> ConfigurationError:
    """The refusal of a file for --config that holds `text`."""
    path = None
    if text is not None:
        path = tmp_path / "own.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigurationError) as refusal:
        load_settings(None, path, flags or {}, environ)
    return refusal.value


class TestUnknownKeys:
    def test_a_misspelt_key_names_the_file_and_the_key_that_was_meant(self, tmp_path: Path) -> None:
        message = str(refused("[oxend]\nendpoint = ['tcp://a:1']", tmp_path))

        assert (
            f"{tmp_path}/own.toml: oxend.endpoint: there is no such setting. Did you mean oxend.endpoints?" in message
        )

    def test_a_misspelt_variable_names_the_one_that_was_meant(self, tmp_path: Path) -> None:
        message = str(refused(None, tmp_path, SENT_OXEND__REQUEST_TIMOUT="3"))

        assert (
            "SENT_OXEND__REQUEST_TIMOUT: there is no such setting. Did you mean SENT_OXEND__REQUEST_TIMEOUT?" in message
        )

    def test_a_key_unlike_any_other_gets_the_list_of_its_section(self, tmp_path: Path) -> None:
        assert "Allowed in log: level, format." in str(refused("log.quux = 1", tmp_path))

    @pytest.mark.parametrize("text", ["[nonsense]\na = 1", "quux = 1", "_x = 1", "model_config = 1", "copy = 1"])
    def test_an_unknown_table_or_key_at_the_top_is_refused(self, tmp_path: Path, text: str) -> None:
        assert "there is no such setting" in str(refused(text, tmp_path))

    def test_one_at_the_top_names_the_table_that_was_meant_or_what_there_is(self, tmp_path: Path) -> None:
        assert "htpp: there is no such setting. Did you mean http?" in str(refused("[htpp]\nport = 1", tmp_path))
        assert "Allowed at the top: network, oxend, contracts" in str(refused("quux = 1", tmp_path))

    @pytest.mark.parametrize("variable", ["SENT_HTPP__PORT", "SENT_HTTP__PORT__X", "SENT_", "SENT___", "SENT_A__B__C"])
    def test_a_variable_is_named_whatever_parts_it_has(self, tmp_path: Path, variable: str) -> None:
        assert f"{variable}: " in str(refused(None, tmp_path, {}, **{variable: "1"}))

    def test_an_unknown_variable_is_refused(self, tmp_path: Path) -> None:
        assert "SENT_QUUX: there is no such setting" in str(refused(None, tmp_path, SENT_QUUX="1"))


class TestBadValues:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("http.port = 70000", "http.port = 70000: should be less than or equal to 65535"),
            ("http.port = 'x'", "http.port = 'x': should be a valid integer"),
            ("log.level = 'loud'", "log.level = 'loud': should be 'debug', 'info', 'warning' or 'error'"),
            ("network.nettype = 'moonnet'", "should be 'mainnet', 'testnet'"),
            ("oxend.endpoints = []", "oxend.endpoints = "),
            (
                "oxend.endpoints = ['http://x']",
                "an endpoint is ipc://PATH, tcp://HOST:PORT or curve://HOST:PORT/PUBKEY",
            ),
            ("oxend.endpoints = ['curve://a:1/abc']", "PUBKEY: 64 hex digits"),
            ("oxend.request_timeout = nan", "oxend.request_timeout = nan: should be"),
            ("oxend.request_timeout = inf", "oxend.request_timeout = inf: should be"),
            ("contracts.token = '0x12'", "contracts.token = '0x12': an address is 0x and 40 hex digits"),
            (
                "contracts.token = '0x10ea9E5303670331Bdddfa66A4cEA47dae4fcF3b'",
                "the checksum is wrong: 0x10Ea9E5303670331Bdddfa66A4cEA47dae4fcF3b would be right",
            ),
            ("http = 3", "http = 3: should be a table of settings"),
            (
                "graphql.default_page_size = 5000",
                "graphql.default_page_size = 5000 is above graphql.max_page_size = 2500",
            ),
            ("poll_oxend.min_interval = 90", "poll_oxend.min_interval = 90 is above"),
        ],
    )
    def test_each_names_file_key_value_and_what_is_allowed(self, tmp_path: Path, text: str, expected: str) -> None:
        message = str(refused(text, tmp_path))

        assert expected in message
        assert f"{tmp_path}/own.toml: " in message

    def test_a_list_too_long_is_refused(self, tmp_path: Path) -> None:
        assert "at most 16 items" in str(refused(None, tmp_path, SENT_OXEND__ENDPOINTS=",".join(["tcp://a:1"] * 17)))

    def test_a_list_that_is_no_json_is_refused(self, tmp_path: Path) -> None:
        assert "no JSON" in str(refused(None, tmp_path, SENT_OXEND__ENDPOINTS="[ipc://a"))

    def test_a_flag_is_named_as_it_is_typed(self, tmp_path: Path) -> None:
        assert "--port = -1: should be" in str(refused(None, tmp_path, {"http.port": -1}))

    def test_a_section_set_both_whole_and_in_part_is_refused(self, tmp_path: Path) -> None:
        assert "sets http as a whole" in str(refused(None, tmp_path, SENT_HTTP="{}", SENT_HTTP__PORT="1"))

    def test_the_embedded_network_is_localdevs_alone(self, tmp_path: Path) -> None:
        message = str(refused("network.name = 'mainnet'\nlocal.embedded = true", tmp_path))

        assert "local.embedded = true is for the network type localdev alone" in message

    @pytest.mark.parametrize(
        ("variable", "scheme"),
        [
            ("SENT_CONTRACTS", "htps"),
            ("SENT_CONTRACTS__RPC_URL", "htps"),
            ("SENT_CONTRACTS__RPC_URLS", "htps"),
            ("SENT_OXEND__ENDPOINTS", "https"),
            ("SENT_HTTP", "https"),
        ],
    )
    def test_the_url_of_an_rpc_shows_no_key_wherever_it_was_put(
        self, tmp_path: Path, variable: str, scheme: str
    ) -> None:
        url = f"{scheme}://user:SECRET@rpc.example/SECRET"

        assert "SECRET" not in str(refused(None, tmp_path, {}, **{variable: url}))

    @pytest.mark.parametrize("variable", ["SENT_HTTP__HOST", "SENT_\udcff"])
    def test_a_variable_that_is_no_text_is_refused(self, tmp_path: Path, variable: str) -> None:
        assert "not UTF-8 text" in str(refused(None, tmp_path, {}, **{variable: "\udcff"}))

    def test_a_long_value_is_cut(self, tmp_path: Path) -> None:
        assert len(str(refused(f"log.level = '{'x' * 5000}'", tmp_path))) < 500

    def test_many_problems_stay_on_one_screen(self, tmp_path: Path) -> None:
        problems = refused("\n".join(f"x{number} = 1" for number in range(100)), tmp_path)

        assert len(problems.problems) == 100
        assert len(str(problems).splitlines()) == MAX_SHOWN + 3
        assert "… and 88 more" in str(problems)


class TestFilesThatCannotBeRead:
    def test_bad_toml_names_file_and_line(self, tmp_path: Path) -> None:
        message = str(refused("[http]\nport = = 3", tmp_path))

        assert f"{tmp_path}/own.toml: not TOML" in message
        assert "line 2" in message

    def test_bytes_that_are_no_text(self, tmp_path: Path) -> None:
        assert "own.toml: not UTF-8 text" in str(refused(b"a = '\xff'", tmp_path))

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            (f"http.port = {'9' * 5000}", "more digits than any setting takes"),
            (f"a = {'[' * 5000}{']' * 5000}", "own.toml: "),  # the limit of recursion may be raised by a library
            (f"[{'.'.join(['a'] * 3000)}]", "own.toml: a: there is no such setting"),
            (f"[http.{'.'.join(['a'] * 3000)}]", "own.toml: http.a: there is no such setting"),
        ],
    )
    def test_numbers_and_nesting_beyond_all_measure(self, tmp_path: Path, text: str, why: str) -> None:
        assert why in str(refused(text, tmp_path))

    def test_a_file_that_is_no_configuration(self, tmp_path: Path) -> None:
        assert "larger than" in str(refused("#" * (1024 * 1024 + 1), tmp_path))

    @pytest.mark.parametrize("name", ["absent.toml", "."])
    def test_a_file_that_is_not_there_or_is_a_directory(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(ConfigurationError, match="cannot be read: "):
            load_settings(None, tmp_path / name, {}, {})
