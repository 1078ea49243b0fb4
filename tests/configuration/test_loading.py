"""Which value wins, where relative paths begin, and what a start cannot do without."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sent_graphql.places
from sent_graphql.configuration import (
    ConfigurationError,
    LoadedSettings,
    environment_name,
    load_settings,
    network_names,
    refuse_incomplete,
)
from sent_graphql.configuration_errors import setting_keys
from sent_graphql.models.network import NetworkType
from sent_graphql.settings import ContractsSettings

Load = Callable[..., LoadedSettings]
Written = Callable[[str], Path]

REWARDS = "0xC2B9fC251aC068763EbDfdecc792E3352E351c00"


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes a file for --config."""

    def write(text: str) -> Path:
        path = tmp_path / "own.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def load() -> Load:
    """`load_settings` with a variable for each keyword."""

    def loaded(
        network: str | None = None,
        config: Path | None = None,
        flags: dict[str, object] | None = None,
        **environ: str,
    ) -> LoadedSettings:
        return load_settings(network, config, flags or {}, environ)

    return loaded


class TestPrecedence:
    def test_without_anything_it_is_the_embedded_local_network(self, load: Load) -> None:
        loaded = load()

        assert loaded.settings.network.name == "localdev"
        assert loaded.settings.local.embedded

    def test_a_file_wins_over_the_network_key_by_key(self, load: Load, written: Written) -> None:
        loaded = load("mainnet", written('contracts.rpc_urls = ["http://127.0.0.1:1"]\n[poll_oxend]\ninterval = 5'))

        assert loaded.settings.contracts.service_node_rewards == REWARDS
        assert loaded.settings.poll_oxend.interval == 5
        assert loaded.settings.poll_oxend.timeout == 60

    def test_the_environment_wins_over_files_and_flags_over_all(self, load: Load, written: Written) -> None:
        config = written("[http]\nhost = '::1'\nport = 1\nmax_body_bytes = 2048")

        http = load(None, config, {"http.port": 3}, SENT_HTTP__PORT="2", SENT_HTTP__HOST="127.0.0.2").settings.http

        assert (http.host, http.port, http.max_body_bytes) == ("127.0.0.2", 3, 2048)

    def test_a_flag_that_was_not_given_changes_nothing(self, load: Load) -> None:
        assert load(flags={"http.port": None}, SENT_HTTP__PORT="81").settings.http.port == 81

    def test_every_set_key_tells_where_it_came_from(self, load: Load, written: Written) -> None:
        config = written("[http]\nport = 1\nhost = '::1'")

        origins = load("devnet", config, {"local.seed": 4}, SENT_HTTP__PORT="2").origins

        assert origins["http.port"] == "SENT_HTTP__PORT"
        assert origins["http.host"] == f"{config}: http.host"
        assert origins["network.chain_id"].endswith("config/devnet.toml: network.chain_id")
        assert origins["local.seed"] == "--seed"
        assert "http.graphiql" not in origins

    def test_variables_of_others_and_those_that_are_no_settings_are_left_alone(self, load: Load) -> None:
        load(PATH="/bin", SENTRY_DSN="x", SENT_PYTHON="python3.12", SENT_NETWORK="mainnet", SENT_CONFIG="x.toml")

    @given(key=st.sampled_from(sorted(setting_keys())))
    def test_every_setting_has_its_own_variable(self, key: str) -> None:
        name = environment_name(key)

        assert [other for other in setting_keys() if environment_name(other) == name] == [key]


class TestEnvironmentValues:
    @pytest.mark.parametrize("text", ["ipc:///a, tcp://b:1", '["ipc:///a", "tcp://b:1"]', "ipc:///a,tcp://b:1,"])
    def test_a_list_is_json_or_parted_by_commas(self, load: Load, text: str) -> None:
        assert load(SENT_OXEND__ENDPOINTS=text).settings.oxend.endpoints == ("ipc:///a", "tcp://b:1")

    def test_an_empty_text_unsets_what_may_be_unset(self, load: Load) -> None:
        contracts = load("mainnet", SENT_CONTRACTS__MULTICALL="", SENT_CONTRACTS__RPC_URLS="").settings.contracts

        assert contracts.multicall is None
        assert contracts.rpc_urls == ()

    def test_an_empty_text_is_a_bad_value_of_anything_else(self, load: Load) -> None:
        with pytest.raises(ConfigurationError, match="SENT_HTTP__PORT"):
            load(SENT_HTTP__PORT="")

    def test_texts_become_what_the_setting_is(self, load: Load) -> None:
        settings = load(SENT_ALLOW_ROOT="true", SENT_OXEND__REQUEST_TIMEOUT="2.5", SENT_LOCAL__NODES="7").settings

        assert (settings.allow_root, settings.oxend.request_timeout, settings.local.nodes) == (True, 2.5, 7)


class TestChoosingTheNetwork:
    def test_an_unknown_network_is_refused_with_the_names_of_those_that_are(self, load: Load) -> None:
        with pytest.raises(ConfigurationError, match="devnet, localdev, mainnet, stagenet, testnet"):
            load("moonnet")

    def test_a_file_may_choose_the_network_that_it_builds_upon(self, load: Load, written: Written) -> None:
        loaded = load(None, written("network.name = 'stagenet'"))

        assert loaded.settings.network.chain_id == 421614
        assert not loaded.settings.local.embedded

    def test_a_file_of_another_network_stands_alone(self, load: Load, written: Written) -> None:
        config = written(
            "[network]\nname = 'mine'\nnettype = 'fakechain'\nchain_id = 5\nunlock_seconds = 1\n"
            "deregistration_lock_seconds = 2\n[oxend]\nendpoints = ['tcp://127.0.0.1:1']"
        )

        network = load(None, config).settings.network

        assert (network.name, network.nettype, network.chain_id) == ("mine", NetworkType.FAKECHAIN, 5)

    def test_a_lone_file_must_hold_everything_that_is_required(self, load: Load, written: Written) -> None:
        with pytest.raises(ConfigurationError, match=r"network\.chain_id is not set"):
            load(None, written("[network]\nname = 'mine'"))


class TestShippedNetworks:
    @pytest.mark.parametrize(
        ("name", "nettype", "chain_id", "unlock", "lock"),
        [
            ("mainnet", NetworkType.MAINNET, 42161, 15 * 86400, 30 * 86400),
            ("stagenet", NetworkType.STAGENET, 421614, 86400, 2 * 86400),
            ("testnet", NetworkType.TESTNET, 421614, 86400, 2 * 86400),
            ("devnet", NetworkType.DEVNET, 421614, 86400, 2 * 86400),
            ("localdev", NetworkType.LOCALDEV, 31337, 120, 480),
        ],
    )
    def test_each_has_its_own_constants_and_socket(
        self, load: Load, name: str, nettype: NetworkType, chain_id: int, unlock: int, lock: int
    ) -> None:
        loaded = load(name)
        network = loaded.settings.network

        assert (network.name, network.nettype, network.chain_id) == (name, nettype, chain_id)
        assert (network.unlock_seconds, network.deregistration_lock_seconds) == (unlock, lock)
        assert loaded.settings.oxend.endpoints == (f"ipc://{loaded.root}/oxend/{name}.sock",)
        assert loaded.settings.local.embedded is (name == "localdev")

    def test_all_are_tested_above(self) -> None:
        assert network_names() == ["devnet", "localdev", "mainnet", "stagenet", "testnet"]

    @pytest.mark.parametrize("name", ["stagenet", "devnet", "localdev"])
    def test_those_that_are_known_whole_start_as_they_are(self, load: Load, name: str) -> None:
        refuse_incomplete(load(name))

    def test_unknown_contracts_are_unset(self, load: Load) -> None:
        devnet = load("devnet").settings.contracts

        assert devnet.contribution_factory is None
        assert devnet.token is None


class TestWhatAStartNeeds:
    def test_without_the_rewards_contract_it_says_which_setting_to_give(self, load: Load) -> None:
        with pytest.raises(
            ConfigurationError, match=r"contracts\.service_node_rewards .* SENT_CONTRACTS__SERVICE_NODE"
        ):
            refuse_incomplete(load("testnet", SENT_CONTRACTS__RPC_URLS="https://rpc.example"))

    def test_without_an_rpc_it_says_which_setting_to_give(self, load: Load) -> None:
        with pytest.raises(ConfigurationError) as refusal:
            refuse_incomplete(load("mainnet"))

        assert len(refusal.value.problems) == 1
        assert "SENT_CONTRACTS__RPC_URLS" in refusal.value.problems[0]

    def test_no_other_address_is_needed(self, load: Load) -> None:
        refuse_incomplete(
            load(
                "testnet", SENT_CONTRACTS__RPC_URLS="https://rpc.example", SENT_CONTRACTS__SERVICE_NODE_REWARDS=REWARDS
            )
        )

    def test_an_own_oxend_and_l2_of_localdev_need_them_too(self, load: Load) -> None:
        with pytest.raises(ConfigurationError, match="service_node_rewards"):
            refuse_incomplete(load(SENT_LOCAL__EMBEDDED="false"))


class TestRelativePaths:
    @pytest.fixture
    def installed(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
        """As if the package were installed, the current directory being elsewhere."""
        shipped = sent_graphql.places.config_directory()
        monkeypatch.setattr("sent_graphql.configuration.project_directory", lambda: None)
        monkeypatch.setattr("sent_graphql.configuration.config_directory", lambda: shipped)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        monkeypatch.chdir(elsewhere)
        return elsewhere

    def test_in_a_checkout_they_begin_at_the_project(self, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir("/")
        project = Path(__file__).parents[2]

        loaded = load("mainnet")

        assert loaded.root == project
        assert loaded.settings.oxend.endpoints == (f"ipc://{project}/oxend/mainnet.sock",)
        assert loaded.settings.cache.state_directory == str(project / "state")

    def test_installed_they_begin_at_the_files_directory(self, load: Load, installed: Path, written: Written) -> None:
        config = written("network.name = 'mainnet'")

        assert load(None, config).root == config.parent != installed

    def test_installed_and_without_a_file_they_begin_at_the_current_directory(
        self, load: Load, installed: Path
    ) -> None:
        assert load("mainnet").settings.oxend.endpoints == (f"ipc://{installed}/oxend/mainnet.sock",)

    def test_a_setting_says_where_they_begin(self, load: Load, tmp_path: Path) -> None:
        loaded = load("mainnet", SENT_DIRECTORY=str(tmp_path))

        assert loaded.settings.cache.state_directory == str(tmp_path / "state")
        assert loaded.settings.oxend.endpoints == (f"ipc://{tmp_path}/oxend/mainnet.sock",)

    @pytest.mark.parametrize("endpoint", ["ipc:///run/oxend.sock", "ipc://@oxend", "tcp://127.0.0.1:22029"])
    def test_other_endpoints_stay_as_they_are(self, load: Load, endpoint: str) -> None:
        assert load(SENT_OXEND__ENDPOINTS=endpoint).settings.oxend.endpoints == (endpoint,)


class TestSecrets:
    def test_urls_of_rpcs_show_neither_in_settings_nor_in_messages(self, load: Load) -> None:
        loaded = load("mainnet", SENT_CONTRACTS__RPC_URLS="https://user:word@rpc.example/v2/KEY")
        with pytest.raises(ConfigurationError) as refusal:
            load("mainnet", SENT_CONTRACTS__RPC_URLS="htps://user:word@rpc.example/v2/KEY")

        for text in (repr(loaded), str(loaded.settings), str(refusal.value)):
            assert "KEY" not in text
            assert "word" not in text
        assert "SENT_CONTRACTS__RPC_URLS" in str(refusal.value)

    @given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=6))
    def test_no_bad_url_is_repeated(self, secret: str) -> None:
        with pytest.raises(ValueError, match="rpc_urls") as refusal:
            ContractsSettings.model_validate({"rpc_urls": [f"ftp://{secret}", f"{secret} {secret}"]})

        assert all("ftp" not in str(error["msg"]) for error in refusal.value.errors())  # type: ignore[attr-defined]
