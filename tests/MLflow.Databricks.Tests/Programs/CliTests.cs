using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Cli;
using MLflow.Tests.Databricks.Workspace;
using Xunit;

namespace MLflow.Tests.Databricks.Programs;

/// <summary>The command line with a workspace, as a program of its own.</summary>
public sealed class CliTests : ClientTestBase
{
    private static readonly string Program = Path.Combine(GuideProgram.Repository, "artifacts/bin/MLflow.Cli/release/dotnet-mlflow.dll");

    public override async ValueTask InitializeAsync()
    {
        // The variable that makes programs trust the stand-ins' certificates is OpenSSL's.
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Programs are made to trust a certificate on Linux only.");
        await base.InitializeAsync();
    }

    [Fact]
    public async Task Traces_OfAnExperiment_AreFoundReadChangedMovedAndDeleted()
    {
        var client = Client();
        string[] ids = [Trace(client, "first?"), Trace(client, "second?")];
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 2);

        var found = JsonNode.Parse(await RunAsync("traces", "search", "-n", "/Workspace" + Experiment, "--filter-string", "trace.status = 'OK'", "--output", "json"))!["traces"]!.AsArray();
        Assert.Equal(ids.Order(), found.Select(trace => trace!["info"]!["trace_id"]!.GetValue<string>()).Order());
        Assert.All(found, trace => Assert.Equal(2, trace!["data"]!["spans"]!.AsArray().Count));
        var read = JsonNode.Parse(await RunAsync("traces", "get", "--trace-id", ids[0]))!;
        Assert.Equal(["ask", "find"], read["data"]!["spans"]!.AsArray().Select(span => span!["name"]!.GetValue<string>()).Order());

        await RunAsync("traces", "tag", "--trace-id", ids[0], "--key", "tier", "--value", "gold");
        await RunAsync("traces", "feedback", "--trace-id", ids[0], "--name", "helpful", "--value", "true");
        var trace = await client.GetTraceAsync(ids[0], Token);
        Assert.Equal(("gold", "helpful"), (trace.Tags["tier"], Assert.Single(trace.Assessments).Name));

        var file = Path.Combine(SpoolFolder, "traces.ndjson");
        await RunAsync("traces", "export", "-n", Experiment, "--file", file);
        Assert.Equal(2, File.ReadAllLines(file).Length);
        await RunAsync("traces", "delete", "--experiment-id", Workspace.Experiments.FindByName(Experiment)!.Id, "--trace-ids", string.Join(',', ids), "--yes");
        Assert.Empty(Workspace.Traces.All);
        await RunAsync("traces", "import", "-n", "/Shared/moved", "--file", file);
        var moved = await client.GetTraceAsync(ids[1], Token);
        Assert.Equal((Workspace.Experiments.FindByName("/Shared/moved")!.Id, 2), (moved.ExperimentId, moved.Spans.Count));
        Assert.Contains("second?", moved.Spans.Single(span => span.ParentId is null).Inputs!.Value.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Traces_OfUnityCatalog_AreFoundAndRead()
    {
        Workspace.Catalog.CreateTable("main.traces");
        var client = Client(experiment: null);
        client.SetDestination("main.traces");
        var id = Trace(client);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);

        var found = Assert.Single(JsonNode.Parse(await RunAsync("traces", "search", "-x", "main.traces", "--output", "json"))!["traces"]!.AsArray())!;
        Assert.Equal(id, found["info"]!["trace_id"]!.GetValue<string>());
        Assert.Contains(id, await RunAsync("traces", "search", "-x", "main.traces"), StringComparison.Ordinal);
        var tree = await RunAsync("traces", "get", "--trace-id", id, "--output", "table");
        Assert.Contains("find", tree, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Traces_WithoutAnExperiment_AreAskedFor()
    {
        var (code, output) = await TryAsync("traces", "search");
        Assert.Equal(2, code);
        Assert.Contains("A Databricks workspace has no default one: give --experiment-name /Shared/", output, StringComparison.Ordinal);
        Assert.Empty(Workspace.Requests);
    }

    [Fact]
    public async Task Experiments_AreManaged()
    {
        await RunAsync("experiments", "create", "--experiment-name", "/Shared/cli");
        var id = Workspace.Experiments.FindByName("/Shared/cli")!.Id;
        Assert.Contains("/Shared/cli", await RunAsync("experiments", "search"), StringComparison.Ordinal);
        Assert.Contains("/Shared/cli", await RunAsync("experiments", "get", "--experiment-id", id), StringComparison.Ordinal);
        await RunAsync("experiments", "rename", "--experiment-id", id, "--new-name", "/Shared/renamed");
        Assert.Equal("/Shared/renamed", Workspace.Experiments.Find(id)!.Name);
        await RunAsync("experiments", "delete", "--experiment-id", id, "--yes");
        Assert.True(Workspace.Experiments.Find(id)!.IsDeleted);
        await RunAsync("experiments", "restore", "--experiment-id", id);
        Assert.False(Workspace.Experiments.Find(id)!.IsDeleted);
    }

    private async Task<string> RunAsync(params string[] arguments)
    {
        var (code, output) = await TryAsync(arguments);
        Assert.True(code == 0, output);
        return output;
    }

    private async Task<(int Code, string Output)> TryAsync(params string[] arguments)
    {
        var profiles = Path.Combine(Directory.CreateTempSubdirectory("mlflow-cli-").FullName, "profiles");
        await File.WriteAllTextAsync(profiles, $"[prod]\nhost = {Workspace.Host}\ntoken = {Workspace.Tokens.AddPersonal()}\n", Token);

        await using var run = CliProcess.DotNet(
            SpoolFolder,
            [Program, .. arguments, "--tracking-uri", "databricks://prod"],
            ("DATABRICKS_CONFIG_FILE", profiles),
            ("MLFLOW_TRACING_SQL_WAREHOUSE_ID", Workspace.Catalog.Warehouse),
            ("SSL_CERT_FILE", TestAuthority.CertificatePath));
        var code = await run.WaitAsync(Token);
        Directory.Delete(Path.GetDirectoryName(profiles)!, recursive: true);
        AssertNoSecrets(run.Output + run.Errors);
        return (code, code == 0 ? run.Output : run.Output + run.Errors);
    }
}
