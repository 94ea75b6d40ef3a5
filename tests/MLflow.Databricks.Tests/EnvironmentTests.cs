using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace MLflow.Tests.Databricks;

/// <summary>What the environment of the process says. It is everybody's, so these tests run alone.</summary>
[CollectionDefinition(nameof(EnvironmentTests), DisableParallelization = true)]
[Collection(nameof(EnvironmentTests))]
public sealed class EnvironmentTests : ClientTestBase
{
    private readonly Dictionary<string, string?> _before = [];

    public override async ValueTask DisposeAsync()
    {
        foreach (var (name, value) in _before)
        {
            Environment.SetEnvironmentVariable(name, value);
        }

        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Client_WithoutOptions_FindsWorkspaceCredentialsAndExperiment()
    {
        Set("DATABRICKS_HOST", Workspace.Host + "/?o=123");
        Set("DATABRICKS_TOKEN", Workspace.Tokens.AddPersonal());
        Set("MLFLOW_TRACKING_URI", "databricks");
        Set("MLFLOW_EXPERIMENT_NAME", "/Workspace/Shared/env");

        // Meant for another server, and not sent here.
        Set("MLFLOW_TRACKING_TOKEN", "other");
        await using var client = new MlflowClient(new MlflowClientOptions { LoggerFactory = Log });
        Trace(client);

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.Equal("/Shared/env", Workspace.Experiments.All.Single().Name);
    }

    [Fact]
    public async Task Token_OfAFileWithALineBreak_IsTheTokenAlone()
    {
        Set("DATABRICKS_HOST", Workspace.Host);
        Set("DATABRICKS_TOKEN", Workspace.Tokens.AddPersonal() + "\n");
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = "databricks", Experiment = "/Shared/env", LoggerFactory = Log });
        Trace(client);

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);

        Set("DATABRICKS_TOKEN", "one\ntwo");
        var e = Assert.Throws<ArgumentException>(() => client.SetTrackingUri("databricks"));
        Assert.StartsWith("token from DATABRICKS_TOKEN has a line break", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Host_WithCredentialsInCode_Starts()
    {
        Set("DATABRICKS_CONFIG_FILE", Path.Combine(SpoolFolder, "none"));
        var services = new ServiceCollection().AddMlflowTracing(options =>
        {
            options.TrackingUri = "databricks";
            options.Databricks.Host = Workspace.Host;
            options.Databricks.Token = Workspace.Tokens.AddPersonal();
        });
        await using var provider = services.BuildServiceProvider();

        Assert.Equal("databricks", provider.GetRequiredService<MlflowClient>().TrackingUri);
    }

    [Theory]
    [InlineData("/.well-known/oauth-authorization-server", false, false)]
    [InlineData("file:///etc/passwd", false, false)]
    [InlineData("http://there.test/x", true, false)]
    [InlineData("http://127.0.0.1/x", true, true)]
    [InlineData("https://there.test/x", true, true)]
    [InlineData(null, false, false)]
    public void WebAddress_TakesNoFiles(string? text, bool isAddress, bool isSafe) =>
        Assert.Equal((isAddress, isSafe), (WebAddress.TryParse(text, out _), WebAddress.TryParseSafe(text, out _)));

    [Fact]
    public async Task Destination_OfTheEnvironment_IsAPlaceInUnityCatalog()
    {
        Workspace.Catalog.CreateTable("main.traces");
        Set("MLFLOW_TRACING_DESTINATION", "main.traces");
        Set("MLFLOW_EXPERIMENT_NAME", "/Shared/other");
        var client = Client(experiment: null);
        Assert.StartsWith("trace:/main.traces/", Trace(client), StringComparison.Ordinal);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
    }

    [Fact]
    public async Task SetTrackingUri_WithoutCredentials_SaysWhatWasLookedForAndChangesNothing()
    {
        Set("DATABRICKS_HOST", Workspace.Host);
        Set("DATABRICKS_CONFIG_FILE", Path.Combine(SpoolFolder, "none"));
        Set("PATH", "");
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = "http://localhost:5000", LoggerFactory = Log });

        var e = Assert.Throws<ArgumentException>(() => client.SetTrackingUri("databricks"));
        Assert.Contains("needs credentials for the Databricks workspace localhost, and none were found", e.Message, StringComparison.Ordinal);
        Assert.Contains("- pat: DatabricksOptions.Token, DATABRICKS_TOKEN or token of the profile (not set)", e.Message, StringComparison.Ordinal);
        Assert.Equal("http://localhost:5000", client.TrackingUri);
    }

    [Fact]
    public async Task Spool_IsSentWithoutAProgramThatTraces()
    {
        var client = Client(options =>
        {
            options.Databricks.Token = Workspace.Tokens.AddPersonal();
            options.SpoolDirectory = SpoolFolder;
        });
        await Workspace.GoAwayAsync();
        Trace(client);
        await client.DisposeAsync();
        await Workspace.ComeBackAsync();

        Set("DATABRICKS_CONFIG_FILE", Path.Combine(SpoolFolder, "none"));
        var target = Assert.Single(SpoolImport.Targets(SpoolFolder));
        var address = new Uri(target);
        await Assert.ThrowsAsync<ArgumentException>(() => SpoolImport.SendAsync(SpoolFolder, target, address, Token));
        Set("DATABRICKS_HOST", "https://dbc-1.cloud.databricks.com");
        Set("DATABRICKS_TOKEN", Workspace.Tokens.AddPersonal());
        Assert.Contains("set DATABRICKS_HOST and credentials for the former", (await Assert.ThrowsAsync<ArgumentException>(() => SpoolImport.SendAsync(SpoolFolder, target, address, Token))).Message, StringComparison.Ordinal);
        Set("DATABRICKS_HOST", Workspace.Host);
        Assert.Equal(1, (await SpoolImport.SendAsync(SpoolFolder, target, address, Token)).Recovered);
        Assert.Equal(2, System.Text.Json.Nodes.JsonNode.Parse(Workspace.Storage.Objects.Values.Single())!["spans"]!.AsArray().Count);
    }

    private void Set(string name, string value)
    {
        _before.TryAdd(name, Environment.GetEnvironmentVariable(name));
        Environment.SetEnvironmentVariable(name, value);
    }
}
