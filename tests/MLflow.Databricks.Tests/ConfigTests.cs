using Xunit;

namespace MLflow.Tests.Databricks;

/// <summary>Where a workspace and its credentials are looked for, and in which order.</summary>
public sealed class ConfigTests : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("mlflow-home-").FullName;
    private readonly Dictionary<string, string> _variables = [];

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Theory]
    [InlineData("dbc-1.cloud.databricks.com", "https://dbc-1.cloud.databricks.com/")]
    [InlineData("https://dbc-1.cloud.databricks.com/", "https://dbc-1.cloud.databricks.com/")]
    [InlineData("https://dbc-1.cloud.databricks.com:443/?o=123", "https://dbc-1.cloud.databricks.com/")]
    [InlineData("https://dbc-1.cloud.databricks.com/browse/folders", "https://dbc-1.cloud.databricks.com/")]
    [InlineData("https://DBC-1.cloud.databricks.com:8443", "https://dbc-1.cloud.databricks.com:8443/")]
    [InlineData("http://localhost:9000", "http://localhost:9000/")]
    public void Host_IsNormalized(string told, string expected)
    {
        _variables["DATABRICKS_HOST"] = told;
        Assert.Equal(expected, Read().Host.ToString());
    }

    [Theory]
    [InlineData("http://dbc-1.cloud.databricks.com", "unencrypted")]
    [InlineData("https://", "no address")]
    [InlineData("https://user:pw@dbc-1.cloud.databricks.com", "no address")]
    public void Host_ThatCannotBe_IsToldWithoutItsValue(string told, string expected)
    {
        _variables["DATABRICKS_HOST"] = told;
        var e = Assert.Throws<ArgumentException>(() => Read());
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
        Assert.Contains("DATABRICKS_HOST", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("pw", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_AreTakenFromOptionsThenEnvironmentThenProfile()
    {
        WriteProfiles("""
            [DEFAULT]
            host = https://file.cloud.databricks.com
            token = from-file
            workspace_id = 77
            """);
        Assert.Equal("from-file", Read()["token"]);

        // Asked for, the profile fills what is not there yet.
        _variables["DATABRICKS_CONFIG_PROFILE"] = "DEFAULT";
        _variables["DATABRICKS_TOKEN"] = "from-env";
        var config = Read();
        Assert.Equal(("from-env", "77", "https://file.cloud.databricks.com/"), (config["token"], config["workspace_id"], config.Host.ToString()));

        Assert.Equal("from-options", Read(options: new DatabricksOptions { Token = "from-options" })["token"]);
    }

    [Fact]
    public void Profile_WhereHostIsKnownAndNoneIsAskedFor_IsNotRead()
    {
        WriteProfiles("""
            [DEFAULT]
            host = https://file.cloud.databricks.com
            client_id = id
            client_secret = secret
            """);
        _variables["DATABRICKS_HOST"] = "env.cloud.databricks.com";
        _variables["DATABRICKS_TOKEN"] = "t";
        var config = Read();
        Assert.Null(config["client_id"]);
        Assert.Equal("pat", CredentialChoice.Find(config));
    }

    [Fact]
    public void Profile_NamedInTheUri_IsTheOneThatIsRead()
    {
        WriteProfiles("""
            # comment
            [DEFAULT]
            host = https://default.cloud.databricks.com
            token = d
            ; another
            [prod]
            host=https://prod.cloud.databricks.com
            client_id = id
            client_secret = secret
            """);
        var config = Read("prod");
        Assert.Equal("https://prod.cloud.databricks.com/", config.Host.ToString());

        // No section takes over what DEFAULT says.
        Assert.Null(config["token"]);
        Assert.Equal("oauth-m2m", CredentialChoice.Find(config));
        Assert.Contains("has no profile 'PROD'; it has 'DEFAULT', 'prod'", Assert.Throws<ArgumentException>(() => Read("PROD")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Profile_PreferredOfTheFile_GoesBeforeDefault()
    {
        WriteProfiles("""
            [__settings__]
            default_profile = dev
            [DEFAULT]
            host = https://default.cloud.databricks.com
            [dev]
            host = https://dev.cloud.databricks.com
            token = t
            """);
        Assert.Equal("https://dev.cloud.databricks.com/", Read().Host.ToString());
    }

    [Fact]
    public void Profile_NamedInTheUri_WithAnotherHostInTheEnvironment_IsAnError()
    {
        WriteProfiles("""
            [prod]
            host = https://prod.cloud.databricks.com
            token = t
            """);
        _variables["DATABRICKS_HOST"] = "https://other.cloud.databricks.com";
        Assert.Contains("another than the one in DATABRICKS_HOST", Assert.Throws<ArgumentException>(() => Read("prod")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pat", "DATABRICKS_TOKEN")]
    [InlineData("basic", "DATABRICKS_USERNAME", "DATABRICKS_PASSWORD")]
    [InlineData("metadata-service", "DATABRICKS_METADATA_SERVICE_URL")]
    [InlineData("oauth-m2m", "DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET")]
    [InlineData("env-oidc", "DATABRICKS_OIDC_TOKEN")]
    [InlineData("file-oidc", "DATABRICKS_OIDC_TOKEN_FILEPATH")]
    [InlineData("azure-client-secret", "ARM_CLIENT_ID", "ARM_CLIENT_SECRET")]
    public void Method_IsTheFirstForWhichThereIsWhatItNeeds(string method, params string[] variables)
    {
        _variables["DATABRICKS_HOST"] = "https://dbc-1.cloud.databricks.com";
        foreach (var variable in variables)
        {
            _variables[variable] = "http://localhost/x";
        }

        Assert.Equal(method, CredentialChoice.Find(Read()));
    }

    [Fact]
    public void Method_ManagedIdentity_IsForWorkspacesOfAzure()
    {
        _variables["DATABRICKS_HOST"] = "https://adb-1.7.azuredatabricks.net";
        _variables["ARM_USE_MSI"] = "true";
        Assert.Equal("azure-msi", CredentialChoice.Find(Read()));

        // An assigned identity has an id, and the secret of a service principal does not go before it.
        _variables["ARM_CLIENT_ID"] = "id";
        _variables["ARM_CLIENT_SECRET"] = "secret";
        Assert.Equal("azure-msi", CredentialChoice.Find(Read()));
        _variables["ARM_USE_MSI"] = "false";
        Assert.Equal("azure-client-secret", CredentialChoice.Find(Read()));
        _variables.Remove("ARM_CLIENT_ID");
        _variables.Remove("ARM_CLIENT_SECRET");
        _variables["DATABRICKS_TOKEN"] = "t";
        Assert.Equal("pat", CredentialChoice.Find(Read()));

        _variables.Remove("DATABRICKS_TOKEN");
        _variables["ARM_USE_MSI"] = "TRUE";
        _variables["DATABRICKS_HOST"] = "https://dbc-1.cloud.databricks.com";
        Assert.Contains("azure_use_msi found in ARM_USE_MSI, but the host is none of Azure's", Assert.Throws<ArgumentException>(() => CredentialChoice.Find(Read())).Message, StringComparison.Ordinal);
        _variables["ARM_USE_MSI"] = "maybe";
        Assert.Contains("azure_use_msi from ARM_USE_MSI is 'maybe': it must be true or false", Assert.Throws<ArgumentException>(() => Read()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Method_OfAServingContainer_IsFoundByItsFile()
    {
        _variables["DATABRICKS_MODEL_SERVING_HOST_URL"] = "https://serving.cloud.databricks.com";
        var file = Path.Combine(_home, "token");
        File.WriteAllText(file, """{"OAUTH_TOKEN":[{"oauthTokenValue":"t"}]}""");
        var config = DatabricksConfig.Read(null, null, Surroundings() with { ModelServingTokenFile = file });
        Assert.Equal("model-serving", CredentialChoice.Find(config));
        Assert.Equal("https://serving.cloud.databricks.com/", config.Host.ToString());
    }

    [Fact]
    public void Method_SeveralAreConfigured_AsksWhich()
    {
        _variables["DATABRICKS_HOST"] = "https://dbc-1.cloud.databricks.com";
        _variables["DATABRICKS_TOKEN"] = "dapi-value";
        _variables["DATABRICKS_CLIENT_ID"] = "id-value";
        _variables["DATABRICKS_CLIENT_SECRET"] = "secret-value";

        var e = Assert.Throws<ArgumentException>(() => Read());
        Assert.Contains("oauth and pat", e.Message, StringComparison.Ordinal);
        Assert.Contains("token from DATABRICKS_TOKEN", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("-value", e.Message, StringComparison.Ordinal);

        _variables["DATABRICKS_AUTH_TYPE"] = "oauth-m2m";
        Assert.Equal("oauth-m2m", CredentialChoice.Find(Read()));
        _variables["DATABRICKS_AUTH_TYPE"] = "magic";
        Assert.Contains("'magic' (auth_type from DATABRICKS_AUTH_TYPE) is not one that is supported: pat, basic,", Assert.Throws<ArgumentException>(() => CredentialChoice.Find(Read())).Message, StringComparison.Ordinal);
        _variables["DATABRICKS_AUTH_TYPE"] = "azure-client-secret";
        Assert.Contains("something that it needs is missing", Assert.Throws<ArgumentException>(() => CredentialChoice.Find(Read())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_SaysWhatWasLookedForAndWhere()
    {
        var e = Assert.Throws<ArgumentException>(() => DatabricksWorkspaces.Check("databricks", null, Surroundings()));
        Assert.All(
            [
                "'databricks' needs the address of a Databricks workspace, and none was found",
                "- host: DatabricksOptions.Host, DATABRICKS_HOST or host of the profile (not set)",
                "- pat: DatabricksOptions.Token, DATABRICKS_TOKEN or token of the profile (not set)",
                "- oauth-m2m: DatabricksOptions.ClientId, DATABRICKS_CLIENT_ID",
                "- env-oidc: an identity token in the variable DATABRICKS_OIDC_TOKEN (not set)",
                "- azure-client-secret: DatabricksOptions.AzureClientId, ARM_CLIENT_ID",
                "- azure-cli: the program az (not in PATH)",
                "- databricks-cli: the program databricks (neither in DATABRICKS_CLI_PATH nor in PATH)",
                $"{Path.Combine(_home, ".databrickscfg")}: it is not there",
                "set DATABRICKS_HOST and DATABRICKS_TOKEN",
            ],
            part => Assert.Contains(part, e.Message, StringComparison.Ordinal));

        _variables["DATABRICKS_HOST"] = "https://dbc-1.cloud.databricks.com";
        _variables["DATABRICKS_CLIENT_ID"] = "half-a-pair";
        _variables["DATABRICKS_RUNTIME_VERSION"] = "16.4";
        e = Assert.Throws<ArgumentException>(() => DatabricksWorkspaces.Check("databricks", null, Surroundings()));
        Assert.Contains("needs credentials for the Databricks workspace dbc-1.cloud.databricks.com, and none were found", e.Message, StringComparison.Ordinal);
        Assert.Contains("client_id found in DATABRICKS_CLIENT_ID; DatabricksOptions.ClientSecret, DATABRICKS_CLIENT_SECRET or client_secret of the profile (not set)", e.Message, StringComparison.Ordinal);
        Assert.Contains("cluster of Databricks", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("half-a-pair", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("databricks://", "no profile after the two slashes")]
    [InlineData("databricks:/prod", "no profile after the two slashes")]
    [InlineData("databricks://a/b", "has a '/' in it")]
    [InlineData("databricks://a b", "has a ' ' in it")]
    [InlineData("databricks://scope:", "no prefix after the colon")]
    [InlineData("databricks://:prefix", "cannot be one of a Databricks workspace")]
    [InlineData("databricks://scope:a:b", "The key 'a:b-token' cannot be one")]
    [InlineData("databricks://scope:a/b", "has a '/' in it")]
    [InlineData("databricks-uc", "registry of Unity Catalog")]
    [InlineData("uc:http://localhost", "registry of Unity Catalog")]
    public void Uri_OfAnotherForm_IsToldWhatItMustBe(string uri, string expected) =>
        Assert.Contains(expected, Assert.Throws<ArgumentException>(() => DatabricksWorkspaces.Check(uri, null, Surroundings())).Message, StringComparison.Ordinal);

    [Fact]
    public void Address_OfADestination_NamesHostAndProfileAndNoCredentials()
    {
        WriteProfiles("""
            [prod]
            host = https://prod.cloud.databricks.com
            token = secret-value
            """);
        var address = DatabricksWorkspaces.Check("databricks://prod", null, Surroundings());
        Assert.Equal("databricks://prod.cloud.databricks.com/prod", address.ToString());
        Assert.Equal("prod", DatabricksUri.ProfileOf(address));
        Assert.Equal("databricks://prod", DatabricksUri.ToText(address));
    }

    [Theory]
    [InlineData("/Shared/app", "/Shared/app")]
    [InlineData("/Workspace/Shared/app", "/Shared/app")]
    [InlineData("/Users" + "/ann@example.com/app", "/Users" + "/ann@example.com/app")]
    public void ExperimentPath_IsStoredWithoutWorkspace(string name, string expected) => Assert.Equal(expected, ExperimentPath.Normalize(name));

    [Theory]
    [InlineData("app", "write '/Shared/app'")]
    [InlineData("/Shared/", "empty name")]
    [InlineData("/Shared//app", "empty name")]
    public void ExperimentPath_ThatIsNone_IsToldWhatItMustBe(string name, string expected) =>
        Assert.Contains(expected, Assert.Throws<ArgumentException>(() => ExperimentPath.Normalize(name)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("main.traces", "main.traces.mlflow_experiment_trace_otel_spans")]
    [InlineData("main.traces.app", "main.traces.app_otel_spans")]
    [InlineData("4000000000000001", null)]
    [InlineData("a.b.c.d", null)]
    [InlineData("a..c", null)]
    public void CatalogLocation_IsToldFromAnId(string text, string? table)
    {
        Assert.Equal(table is not null, CatalogLocation.TryParse(text, out var location));
        Assert.Equal(table, location?.SpansTable);
    }

    private DatabricksSurroundings Surroundings() => new(_variables.GetValueOrDefault, _home) { ModelServingTokenFile = Path.Combine(_home, "none") };

    private DatabricksConfig Read(string? profile = null, DatabricksOptions? options = null) => DatabricksConfig.Read(profile, options, Surroundings());

    private void WriteProfiles(string text) => File.WriteAllText(Path.Combine(_home, ".databrickscfg"), text);
}
