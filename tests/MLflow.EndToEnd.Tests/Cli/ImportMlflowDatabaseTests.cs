using Microsoft.Data.Sqlite;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

/// <summary><c>mlflow import --mlflow-database</c></summary>
public sealed class ImportMlflowDatabaseTests : CommandTestBase
{
    [Fact]
    public async Task Import_ACurrentDatabase_BringsAllOfIt_AndAgainChangesNothing()
    {
        CreateSqlite(MlflowDatabaseFixture.Current());
        var attachments = Directory.CreateDirectory(Path.Combine(Folder.Path, "artifacts", "7", "traces", MlflowDatabaseFixture.New, "artifacts", "attachments"));
        await File.WriteAllBytesAsync(Path.Combine(attachments.FullName, MlflowDatabaseFixture.Attachment), [1, 2, 3], Token);
        for (var i = 0; i < 2; i++)
        {
            var import = await RunAsync("import", "--mlflow-database", "sqlite:///python.db", "--artifacts", "artifacts");

            Assert.Equal("", import.Errors);
            Assert.Equal(0, import.ExitCode);
            Assert.Contains("Brought 4 experiments and 48 traces with 48 spans, 3 assessments and 1 attachments", import.Output, StringComparison.Ordinal);
            Assert.Contains("Compared 48 traces and 48 spans of the database with the server by their hashes: all are the same", import.Output, StringComparison.Ordinal);
        }

        var experiment = (await Client.GetExperimentByNameAsync("weather 天気", Token))!;
        Assert.Equal("blue", experiment.Tags["team"]);
        Assert.NotNull(await Client.GetExperimentByNameAsync("team/weather 天気", Token));
        Assert.False((await Client.GetExperimentByNameAsync("over", Token))!.IsActive);
        var trace = await Client.GetTraceAsync(MlflowDatabaseFixture.New, Token);
        Assert.Equal(experiment.ExperimentId, trace.ExperimentId);
        Assert.Equal(("OK", TimeSpan.FromMilliseconds(468), "req-1", "gold", "s-1"), (trace.State, trace.Duration, trace.ClientRequestId, trace.Tags["tier"], trace.Metadata["mlflow.trace.session"]));
        Assert.Equal(["add", "call 東京"], trace.Spans.Select(span => span.Name));
        Assert.Equal(["facts", "helpful", "judge"], trace.Assessments.Select(assessment => assessment.Name).Order());
        Assert.Equal("right city", trace.Assessments.Single(assessment => assessment.Name == "helpful").Rationale);
        Assert.Equal("IN_PROGRESS", (await Client.GetTraceAsync(MlflowDatabaseFixture.Running, Token)).State);
        Assert.Equal("ERROR", (await Client.GetTraceAsync(MlflowDatabaseFixture.OfDeleted, Token)).State);
        using var http = new HttpClient();
        Assert.Equal([1, 2, 3], await http.GetByteArrayAsync(new Uri($"{Address}ajax-api/3.0/mlflow/get-trace-artifact?request_id={MlflowDatabaseFixture.New}&path={MlflowDatabaseFixture.Attachment}"), Token));
        var linked = await Client.SearchTracesAsync("run_id = 'run1'", new TraceSearchOptions { ExperimentIds = { experiment.ExperimentId }, IncludeSpans = false }, Token).ToListAsync(Token);
        Assert.Equal(MlflowDatabaseFixture.New, Assert.Single(linked).TraceId);
    }

    [Fact]
    public async Task Import_ADatabaseOfBefore_ReadsSpansFromArtifacts()
    {
        CreateSqlite(MlflowDatabaseFixture.Before());
        var folder = Directory.CreateDirectory(Path.Combine(Folder.Path, "artifacts", "3", "traces", MlflowDatabaseFixture.Old, "artifacts"));
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "traces.json"), MlflowDatabaseFixture.OldTracesJson(), Token);

        var import = await RunAsync("import", "--mlflow-database", "sqlite:///python.db", "--artifacts", "artifacts");

        Assert.Equal("", import.Errors);
        Assert.Contains("Brought 1 experiments and 1 traces with 1 spans", import.Output, StringComparison.Ordinal);
        var trace = await Client.GetTraceAsync(MlflowDatabaseFixture.Old, Token);
        Assert.Equal(("ask", TimeSpan.FromMilliseconds(12)), (Assert.Single(trace.Spans).Name, trace.Duration));
    }

    [Fact]
    public async Task Import_ServerStopsInTheMiddle_GoesOnWhereItStopped()
    {
        CreateSqlite(MlflowDatabaseFixture.Current());
        var posts = 0;
        await using var flaky = await FlakyProxy.StartAsync(new Uri(Address), path => path == "/v1/traces" && ++posts == 31, Token);
        string[] arguments = ["import", "--mlflow-database", "sqlite:///python.db", "--cursor", "cursor.json", "--tracking-uri", flaky.Address.ToString()];

        var first = await RunAsync([("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")], arguments);
        flaky.IsWell = true;
        var second = await RunAsync(arguments);

        Assert.Equal(1, first.ExitCode);
        Assert.Equal((0, ""), (second.ExitCode, second.Errors));
        Assert.Contains("and 28 traces with", second.Output, StringComparison.Ordinal);
        Assert.Contains("Compared 48 traces", second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Import_WhereTheServerHasAnotherTrace_SaysWhich()
    {
        CreateSqlite(MlflowDatabaseFixture.Current());
        Assert.Equal(0, (await RunAsync("import", "--mlflow-database", "sqlite:///python.db", "--cursor", "cursor.json")).ExitCode);
        await Client.SetTraceTagAsync(MlflowDatabaseFixture.New, "tier", "silver", Token);

        var import = await RunAsync("import", "--mlflow-database", "sqlite:///python.db", "--cursor", "cursor.json");

        Assert.Equal(1, import.ExitCode);
        Assert.Equal($"mlflow: trace {MlflowDatabaseFixture.New} is not the same on the server", import.Errors.Trim());
    }

    [Fact]
    public async Task Import_OfSomethingElse_SaysWhatItIsNot()
    {
        CreateSqlite("CREATE TABLE other (x INTEGER);");

        Assert.Contains("is no database of MLflow's own server", (await RunAsync("import", "--mlflow-database", "sqlite:///python.db")).Errors, StringComparison.Ordinal);
        Assert.Contains("is not there", (await RunAsync("import", "--mlflow-database", "sqlite:///absent.db")).Errors, StringComparison.Ordinal);
        var wrong = await RunAsync("import", "--mlflow-database", "mysql://user:secret@host/db");
        Assert.Equal(2, wrong.ExitCode);
        Assert.DoesNotContain("secret", wrong.Errors, StringComparison.Ordinal);
        Assert.Equal(2, (await RunAsync("import")).ExitCode);
    }

    [Fact]
    public async Task Import_FromPostgres_BringsAllOfIt()
    {
        await using var postgres = await PostgresProcess.StartAsync(Token);
        await postgres.RunAsync(MlflowDatabaseFixture.Current(), Token);

        var import = await RunAsync("import", "--mlflow-database", postgres.Uri.Replace("postgresql:", "postgresql+psycopg2:", StringComparison.Ordinal));

        Assert.Equal("", import.Errors);
        Assert.Contains("Compared 48 traces and 48 spans of the database with the server by their hashes: all are the same", import.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", import.Output, StringComparison.Ordinal);
    }

    private void CreateSqlite(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(Folder.Path, "python.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
