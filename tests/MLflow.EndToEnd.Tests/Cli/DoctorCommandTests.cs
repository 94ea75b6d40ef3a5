using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

public sealed class DoctorCommandTests : CommandTestBase
{
    [Fact]
    public async Task Doctor_AllIsWell_SaysSoInALineForEachCheck()
    {
        var id = Trace();
        await Client.FlushAsync(Token);
        var doctor = await DoctorAsync(Address, ("MLFLOW_EXPERIMENT_NAME", "mine"));

        Assert.Equal("", doctor.Errors);
        Assert.Equal(0, doctor.ExitCode);
        Assert.Equal(
            ["address", "dns", "tcp", "tls", "version", "clock", "credentials", "experiment", "otlp", "spool"],
            Lines(doctor).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]));
        Assert.All(Lines(doctor), line => Assert.StartsWith("ok ", line, StringComparison.Ordinal));
        Assert.Contains("(from MLFLOW_TRACKING_URI)", doctor.Output, StringComparison.Ordinal);

        // It left nothing behind.
        var found = new List<string>();
        await foreach (var trace in Client.SearchTracesAsync(options: new TraceSearchOptions { ExperimentIds = { "0", await ExperimentIdAsync() } }, cancellationToken: Token))
        {
            found.Add(trace.TraceId);
        }

        Assert.Equal([id], found);
    }

    [Fact]
    public async Task Doctor_WithATrialTrace_StoresReadsAndDeletesIt()
    {
        var doctor = await RunAsync([("MLFLOW_TRACKING_URI", Address), ("MLFLOW_EXPERIMENT_NAME", "mine"), ("MLFLOW_SPOOL_DIRECTORY", "none")], "doctor", "--trial-trace");

        Assert.Equal(0, doctor.ExitCode);
        Assert.Contains("stored, read back and deleted", Line(doctor, "trace"), StringComparison.Ordinal);
        await foreach (var trace in Client.SearchTracesAsync(options: new TraceSearchOptions { ExperimentIds = { "0", await ExperimentIdAsync() } }, cancellationToken: Token))
        {
            Assert.Fail($"{trace.TraceId} was left behind");
        }

        var broken = await RunAsync([("MLFLOW_TRACKING_URI", "http://127.0.0.1:1"), ("MLFLOW_SPOOL_DIRECTORY", "none")], "doctor", "--trial-trace");
        Assert.StartsWith("skip", Line(broken, "trace"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(200, 0, "ok    workspace")]
    [InlineData(401, 1, "DATABRICKS_TOKEN")]
    [InlineData(403, 1, "ask an administrator")]
    public async Task Doctor_OfAWorkspace_SaysWhetherItLetsTheUserIn(int status, int exitCode, string sentence)
    {
        await using var workspace = await ServeAsync(context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = "application/json";
            return context.Response.WriteAsync(status == 200
                ? """{"experiment":{"experiment_id":"7","name":"/Shared/app","lifecycle_stage":"active","artifact_location":"dbfs:/x"},"experiments":[{"experiment_id":"7","name":"/Shared/app","lifecycle_stage":"active","artifact_location":"dbfs:/x"}]}"""
                : """{"error_code":"PERMISSION_DENIED","message":"no"}""");
        });

        var doctor = await RunAsync(
            [("MLFLOW_TRACKING_URI", "databricks"), ("DATABRICKS_HOST", workspace.Urls.First()), ("DATABRICKS_TOKEN", "t0ken"), ("MLFLOW_EXPERIMENT_NAME", "/Shared/app"), ("MLFLOW_SPOOL_DIRECTORY", "none")], "doctor");

        Assert.Equal(exitCode, doctor.ExitCode);
        Assert.Contains(sentence, doctor.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("t0ken", doctor.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_NothingListens_SaysHowToStartTheServer()
    {
        int port;
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }

        var doctor = await DoctorAsync($"http://127.0.0.1:{port}");

        Assert.Equal(1, doctor.ExitCode);
        Assert.Contains($"dotnet mlflow server --port {port}", Line(doctor, "tcp"), StringComparison.Ordinal);
        Assert.StartsWith("skip", Line(doctor, "version"), StringComparison.Ordinal);
        Assert.StartsWith("ok", Line(doctor, "spool"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://nowhere.invalid:5000", "dns", "nowhere.invalid is not found")]
    [InlineData("localhost:5000", "address", "not supported")]
    public async Task Doctor_AddressIsWrong_SaysWhatOfIt(string uri, string check, string sentence)
    {
        var doctor = await DoctorAsync(uri);

        Assert.Equal(1, doctor.ExitCode);
        Assert.StartsWith("FAIL", Line(doctor, check), StringComparison.Ordinal);
        Assert.Contains(sentence, Line(doctor, check), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_HttpsAtAPortOfHttp_SaysSo()
    {
        var doctor = await DoctorAsync(Address.Replace("http:", "https:", StringComparison.Ordinal));

        Assert.Equal(1, doctor.ExitCode);
        Assert.Contains("does the server speak https", Line(doctor, "tls"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_SomethingElseListens_SaysSo()
    {
        await using var other = await ServeAsync(context => context.Response.WriteAsync("<html>hello</html>"));

        var doctor = await DoctorAsync(other.Urls.First());

        Assert.Equal(1, doctor.ExitCode);
        Assert.Contains("no MLflow server", Line(doctor, "version"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_ServerWantsCredentialsAndHasAnotherTime_SaysBoth()
    {
        await using var strict = await ServeAsync(context =>
        {
            context.Response.Headers.Date = "Thu, 01 Jan 1970 00:00:00 GMT";
            if (context.Request.Path == "/version")
            {
                return context.Response.WriteAsync("3.11.2");
            }

            context.Response.StatusCode = 401;
            return Task.CompletedTask;
        });

        var without = await DoctorAsync(strict.Urls.First());
        Assert.Equal(1, without.ExitCode);
        Assert.Contains("none are given", Line(without, "credentials"), StringComparison.Ordinal);
        Assert.Contains("ahead of the server's", Line(without, "clock"), StringComparison.Ordinal);

        var wrong = await DoctorAsync(strict.Urls.First(), ("MLFLOW_TRACKING_TOKEN", "s3cret"));
        Assert.Contains("Bearer is given", Line(wrong, "credentials"), StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", wrong.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_ExperimentIsDeletedOrMissing_SaysSo()
    {
        var id = await Client.CreateExperimentAsync("gone", cancellationToken: Token);
        await Client.DeleteExperimentAsync(id, Token);

        var deleted = await DoctorAsync(Address, ("MLFLOW_EXPERIMENT_NAME", "gone"));
        Assert.Equal(1, deleted.ExitCode);
        Assert.Contains($"mlflow experiments restore -x {id}", Line(deleted, "experiment"), StringComparison.Ordinal);

        var missing = await DoctorAsync(Address, ("MLFLOW_EXPERIMENT_NAME", "new"));
        Assert.Equal(0, missing.ExitCode);
        Assert.StartsWith("warn", Line(missing, "experiment"), StringComparison.Ordinal);

        Assert.StartsWith("FAIL", Line(await DoctorAsync(Address, ("MLFLOW_EXPERIMENT_ID", "999")), "experiment"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_TracesWait_SaysForWhom()
    {
        var spool = Path.Combine(Folder.Path, "spool");
        await using (var client = new MlflowClient(new MlflowClientOptions
        {
            TrackingUri = "http://127.0.0.1:1",
            SpoolDirectory = spool,
            LoggerFactory = Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance,
        }))
        {
            client.StartSpan("left").Dispose();
        }

        var doctor = await DoctorAsync(Address);

        Assert.Equal(0, doctor.ExitCode);
        Assert.Contains("for http://127.0.0.1:1: mlflow import --spool", Line(doctor, "spool"), StringComparison.Ordinal);

        var json = await RunAsync([("MLFLOW_TRACKING_URI", Address), ("MLFLOW_SPOOL_DIRECTORY", "none")], "doctor", "--output", "json");
        Assert.Equal("warn", json.Json.EnumerateArray().Single(check => check.GetProperty("check").GetString() == "spool").GetProperty("outcome").GetString());
    }

    private Task<CommandResult> DoctorAsync(string uri, params (string Name, string Value)[] environment) =>
        RunAsync([("MLFLOW_TRACKING_URI", uri), ("MLFLOW_SPOOL_DIRECTORY", Path.Combine(Folder.Path, "spool")), .. environment], "doctor");

    private static string[] Lines(CommandResult result) => result.Output.Trim().ReplaceLineEndings("\n").Split('\n');

    private static string Line(CommandResult result, string check) => Assert.Single(Lines(result), line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1] == check);

    private static async Task<WebApplication> ServeAsync(RequestDelegate answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Run(answer);
        await app.StartAsync(Token);
        return app;
    }
}
