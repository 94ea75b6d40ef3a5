using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using MLflow.Tests.Databricks.Workspace;
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
    public async Task Cluster_WithSecretsInItsEnvironment_LetsAJobsProcessIn()
    {
        // As the platform sets {{secrets/…}} of a cluster, job or app, beside what says that it is one.
        Set("DATABRICKS_RUNTIME_VERSION", "16.4");
        Set("DATABRICKS_HOST", Workspace.Host);
        var (id, secret) = Workspace.Tokens.AddServicePrincipal();
        Set("DATABRICKS_CLIENT_ID", id);
        Set("DATABRICKS_CLIENT_SECRET", secret);
        var client = new MlflowClient(new MlflowClientOptions { TrackingUri = "databricks", Experiment = "/Shared/job", LoggerFactory = Log });
        await using (client)
        {
            Trace(client);
            FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        }
    }

    [Fact]
    public async Task MetadataServiceIsAbsent_TracesWaitAndOneMessageSaysWhy()
    {
        Set("DATABRICKS_METADATA_SERVICE_URL", Workspace.Cloud.MetadataServiceUrl);
        Workspace.Cloud.HasMetadataService = false;
        var client = Client(_ => { });
        Trace(client);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 0, pending: 1);
        Assert.Contains("The Databricks metadata service gives no token", Assert.Single(Log.Lines), StringComparison.Ordinal);

        Workspace.Cloud.HasMetadataService = true;
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
    }

    [Fact]
    public async Task UseExperiment_OfAnotherWorkspace_ReadsItsProfileOnce()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("mlflow-home-").FullName, "profiles");
        await File.WriteAllTextAsync(file, $"[prod]\nhost = {Workspace.Host}\ntoken = {Workspace.Tokens.AddPersonal()}\n[DEFAULT]\nhost = {Workspace.Host}\ntoken = {Workspace.Tokens.AddPersonal()}\n", Token);
        Set("DATABRICKS_CONFIG_FILE", file);
        Workspace.Secrets.Add("s", "k", "v");
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = "http://127.0.0.1:1", LoggerFactory = Log });
        client.UseExperiment("/Shared/one", "databricks://prod").Dispose();
        await client.Secrets.GetAsync("s", "k", Token);
        File.Delete(file);

        using (client.UseExperiment("/Shared/two", "databricks://prod"))
        {
            Trace(client);
        }

        await client.Secrets.GetAsync("s", "k", Token);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.Equal("/Shared/two", Workspace.Experiments.All.Single().Name);

        // To set it is to look again.
        Assert.Throws<ArgumentException>(() => client.SetTrackingUri("databricks://prod"));
    }

    [Fact]
    public async Task Host_WithAWorkspaceInItsConfiguration_TracesIntoIt()
    {
        Set("DATABRICKS_CONFIG_FILE", Path.Combine(SpoolFolder, "none"));
        await using var provider = Host(
            ("MLflow:TrackingUri", "databricks"),
            ("MLflow:Experiment", "/Shared/host"),
            ("MLflow:SpoolDirectory", "none"),
            ("MLflow:Databricks:Host", Workspace.Host),
            ("MLflow:Databricks:Token", Workspace.Tokens.AddPersonal()),
            ("MLflow:Databricks:AzureUseMsi", "false"),
            ("MLflow:Databricks:SqlWarehouseId", "w-1"));
        var options = provider.GetRequiredService<IOptions<MlflowTracingOptions>>().Value;
        Assert.Equal("w-1", options.Databricks.SqlWarehouseId);
        var client = provider.GetRequiredService<MlflowClient>();
        Trace(client);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.Equal("/Shared/host", Workspace.Experiments.All.Single().Name);
    }

    [Fact]
    public async Task Host_WithMistakesInTheConfigurationOfAWorkspace_NamesThem()
    {
        await using var provider = Host(("MLflow:TrackingUri", "databricks"), ("MLflow:Databricks:Host", Workspace.Host), ("MLflow:Databricks:Token", "t"), ("MLflow:Databricks:AzureUseMsi", "maybe"), ("MLflow:Databricks:Tokn", "x"));
        var options = provider.GetRequiredService<IOptions<MlflowTracingOptions>>();
        Assert.Contains("MLflow:Databricks:AzureUseMsi is 'maybe': it must be true or false", Assert.Throws<OptionsValidationException>(() => options.Value).Message, StringComparison.Ordinal);

        // The name of each option is known, and another one is told.
        var settings = new MlflowTracingOptions();
        var names = typeof(DatabricksOptions).GetProperties().Select(property => property.Name);
        await using var all = Host([.. names.Append("Tokn").Select(name => ($"MLflow:Databricks:{name}", name == nameof(DatabricksOptions.AzureUseMsi) ? "true" : name))]);
        new ConfigurationReader(all).Configure(settings);
        Assert.Equal(["Databricks:Tokn"], settings.Unknown);
        Assert.All(typeof(DatabricksOptions).GetProperties(), property => Assert.Equal(property.PropertyType == typeof(bool) ? true : property.Name, property.GetValue(settings.Databricks)));
    }

    [Fact]
    public async Task SecretsOfAScope_HoldTheWorkspaceAndItsToken()
    {
        await using var other = await StandInWorkspace.StartAsync();
        Set("DATABRICKS_HOST", Workspace.Host);
        Set("DATABRICKS_TOKEN", Workspace.Tokens.AddPersonal());
        var old = other.Tokens.AddPersonal();
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = "databricks://creds:prod", Experiment = "/Shared/app", LoggerFactory = Log, SpoolDirectory = SpoolFolder });
        Assert.Equal("databricks://creds:prod", client.TrackingUri);
        Assert.Empty(Workspace.Requests);

        // They are not there yet.
        Trace(client);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 0, pending: 1);
        Assert.Contains("'databricks://creds:prod' needs secrets 'prod-host' and 'prod-token' of scope 'creds' in localhost, which cannot be read", Assert.Single(Log.Lines), StringComparison.Ordinal);

        Workspace.Secrets.Add("creds", "prod-host", other.Host + "/\n");
        Workspace.Secrets.Add("creds", "prod-token", old + "\n");
        var id = Trace(client, "my token is " + old);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 2);
        Assert.Equal((2, 0), (other.Traces.All.Count, Workspace.Traces.All.Count));
        Assert.Equal(2, (await client.GetTraceAsync(id, Token)).Spans.Count);

        // The token is replaced.
        other.Tokens.Revoke(old);
        Workspace.Secrets.Add("creds", "prod-token", other.Tokens.AddPersonal());
        Trace(client);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 3);

        // It leaves the program nowhere but there.
        Assert.Empty(other.Unlisted);
        Assert.All(Workspace.Requests, request => Assert.StartsWith("/api/2.0/secrets/get", request.Path, StringComparison.Ordinal));
        Assert.All(other.Tokens.Secrets, secret => Assert.DoesNotContain(secret, string.Join('\n', Log.Lines.Concat(other.Storage.Objects.Values.Select(System.Text.Encoding.UTF8.GetString))), StringComparison.Ordinal));
    }

    [Fact]
    public async Task SecretsOfAScope_WithAnAddressThatIsNone_SayWhich()
    {
        Set("DATABRICKS_HOST", Workspace.Host);
        Set("DATABRICKS_TOKEN", Workspace.Tokens.AddPersonal());
        Workspace.Secrets.Add("creds", "prod-host", "http://there.test");
        Workspace.Secrets.Add("creds", "prod-token", Workspace.Tokens.AddPersonal());
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = "databricks://creds:prod", Experiment = "/Shared/app", LoggerFactory = Log, SpoolDirectory = "none" });
        Trace(client);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 0, pending: 1);
        Assert.Contains("The host in the secret 'prod-host' begins with http://, which would send the credentials unencrypted", Assert.Single(Log.Lines), StringComparison.Ordinal);
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

    private static ServiceProvider Host(params (string Key, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value))).Build();
        return new ServiceCollection().AddSingleton<IConfiguration>(configuration).AddMlflowTracing().BuildServiceProvider();
    }

    private void Set(string name, string value)
    {
        _before.TryAdd(name, Environment.GetEnvironmentVariable(name));
        Environment.SetEnvironmentVariable(name, value);
    }
}
