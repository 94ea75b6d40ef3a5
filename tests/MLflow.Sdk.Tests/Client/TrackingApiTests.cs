using System.Globalization;
using System.Net;
using MLflow.Tests.Export;
using Xunit;

namespace MLflow.Tests.Client;

/// <summary>Which failures are tried again, and what the program gets of those that stay.</summary>
public sealed class TrackingApiTests
{
    private const string Get = "/api/2.0/mlflow/experiments/get";
    private const string Experiment = """{"experiment":{"experiment_id":"7","name":"n"}}""";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    [InlineData(408)]
    public async Task Read_FailsInPassing_IsTriedAgain(int status)
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Intercept = async (context, _) =>
        {
            var isSecond = server.To(Get).Count() > 1;
            context.Response.Headers.RetryAfter = "0";
            await LoopbackServer.AnswerAsync(context, isSecond ? 200 : status, isSecond ? Experiment : "{}");
            return true;
        };
        await using var client = Some.Client(server);

        Assert.Equal("n", (await client.GetExperimentAsync("7", Token)).Name);
        Assert.Equal(2, server.To(Get).Count());
    }

    [Theory]
    [InlineData(500, 3)]
    [InlineData(429, 8)]
    [InlineData(503, 8)]
    [InlineData(400, 1)]
    [InlineData(404, 1)]
    [InlineData(401, 1)]
    [InlineData(403, 1)]
    public async Task Read_FailsAlways_IsGivenUpAfterItsTries(int status, int tries)
    {
        await using var server = await AlwaysAsync(status, """{"error_code":"SOME_CODE","message":"no"}""");
        await using var client = Some.Client(server);

        var e = await Assert.ThrowsAsync<MlflowException>(() => client.GetExperimentAsync("7", Token));

        Assert.Equal(((HttpStatusCode?)status, "SOME_CODE", "no"), (e.StatusCode, e.ErrorCode, e.ServerMessage));
        Assert.Equal(tries, server.To(Get).Count());
    }

    [Theory]
    [InlineData(500, 1)]
    [InlineData(502, 1)]
    [InlineData(408, 1)]
    [InlineData(429, 8)]
    [InlineData(503, 8)]
    public async Task Write_FailsAlways_IsTriedAgainOnlyWhereItWasNotTaken(int status, int tries)
    {
        await using var server = await AlwaysAsync(status, "{}");
        await using var client = Some.Client(server);

        await Assert.ThrowsAsync<MlflowException>(() => client.CreateExperimentAsync("x", cancellationToken: Token));

        Assert.Equal(tries, server.Requests.Count);
    }

    [Fact]
    public async Task Read_ServerAsksForLongPatience_IsNotWaitedFor()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Intercept = async (context, _) =>
        {
            context.Response.Headers.RetryAfter = TimeSpan.FromHours(1).TotalSeconds.ToString(CultureInfo.InvariantCulture);
            await LoopbackServer.AnswerAsync(context, 429, "{}");
            return true;
        };
        await using var client = Some.Client(server);

        var e = await Assert.ThrowsAsync<MlflowException>(() => client.GetExperimentAsync("7", Token));

        Assert.Equal(MlflowErrorCode.RequestLimitExceeded, e.ErrorCode);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Read_CancelledWhileItWaitsForTheNextTry_Ends()
    {
        await using var server = await LoopbackServer.StartAsync();
        using var cancel = new CancellationTokenSource();
        server.Intercept = async (context, _) =>
        {
            context.Response.Headers.RetryAfter = "30";
            await LoopbackServer.AnswerAsync(context, 503, "{}");
            await cancel.CancelAsync();
            return true;
        };
        await using var client = Some.Client(server);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.GetExperimentAsync("7", cancel.Token));
    }

    [Fact]
    public async Task Read_ServerIsSilent_EndsAfterTwoMinutesAndIsNotTriedAgain()
    {
        await using var server = await LoopbackServer.StartAsync();
        using var silence = new CancellationTokenSource();
        server.Intercept = async (context, _) =>
        {
            await Task.Delay(Timeout.Infinite, silence.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        await using var client = Some.Client(server.Address, time: time);
        var came = server.NextAsync(Get);

        var read = client.GetExperimentAsync("7", Token);
        await came;
        time.Advance(TimeSpan.FromSeconds(119));
        Assert.False(read.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(2));

        var e = await Assert.ThrowsAsync<MlflowException>(() => read);
        Assert.Equal($"{server.Address}{Get} did not answer within 120 seconds", e.Message);
        Assert.Single(server.Requests);
        await silence.CancelAsync();
    }

    [Theory]
    [InlineData(404, "<html>Not Found</html>", MlflowErrorCode.EndpointNotFound)]
    [InlineData(403, "Invalid Host header", MlflowErrorCode.PermissionDenied)]
    [InlineData(401, "", MlflowErrorCode.Unauthenticated)]
    [InlineData(400, "{}", MlflowErrorCode.BadRequest)]
    public async Task Error_WithoutACode_HasThatOfItsStatus(int status, string body, string code)
    {
        await using var server = await AlwaysAsync(status, body);
        await using var client = Some.Client(server);

        var e = await Assert.ThrowsAsync<MlflowException>(() => client.GetExperimentAsync("7", Token));

        Assert.Equal(code, e.ErrorCode);
    }

    [Fact]
    public async Task Error_AddressHasCredentials_NamesItWithoutThem()
    {
        await using var server = await AlwaysAsync(404, """{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"No Experiment with id=7 exists"}""");
        await using var client = Some.Client($"http://ada:s3cret@127.0.0.1:{server.Port}");

        var e = await Assert.ThrowsAsync<MlflowException>(() => client.GetExperimentAsync("7", Token));

        Assert.Equal(server.Address + Get, e.RequestUrl);
        Assert.Contains(server.Address + Get, e.Message, StringComparison.Ordinal);
        Assert.Contains("No Experiment with id=7 exists", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", e.ToString(), StringComparison.Ordinal);
        Assert.StartsWith("Basic ", Assert.Single(server.Requests).Header("Authorization"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://ada:s3cret@127.0.0.1:5001/base/", "http://127.0.0.1:5001/base")]
    [InlineData("https://s3cret@mlflow.example/?token=s3cret", "https://mlflow.example")]
    public async Task TrackingUri_AddressHasCredentials_IsShownWithoutThem(string uri, string shown)
    {
        await using var client = Some.Client(uri);

        Assert.Equal(shown, client.TrackingUri);
    }

    [Theory]
    [InlineData("ftp://ada:s3cret@host", "'ftp://...@host'")]
    [InlineData("ada:s3cret@host:5000", "'...@host:5000'")]
    [InlineData("http//ada:s3cret@host", "'...@host'")]
    [InlineData("http://ada:s3@cret@ho st", "'http://...@ho st'")]
    public void TrackingUri_ThatIsNone_IsToldWithoutCredentials(string uri, string shown)
    {
        var e = Assert.Throws<ArgumentException>(() => Some.Client(uri));

        Assert.StartsWith($"The tracking URI {shown} is not supported", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3", e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Error_NoServer_NamesItsAddressAndHasNoStatus()
    {
        var address = $"http://127.0.0.1:{FreePort.Next()}";
        await using var client = Some.Client(address);

        var e = await Assert.ThrowsAsync<MlflowException>(() => client.GetExperimentAsync("7", Token));

        Assert.StartsWith($"The tracking server at {address} could not be reached: ", e.Message, StringComparison.Ordinal);
        Assert.Equal((null, null), (e.ErrorCode, e.StatusCode));
    }

    [Fact]
    public async Task Answer_ThatIsNoExperiment_IsAFormatException()
    {
        await using var server = await AlwaysAsync(200, "<html>");
        await using var client = Some.Client(server);

        await Assert.ThrowsAsync<FormatException>(() => client.GetExperimentAsync("7", Token));
    }

    [Fact]
    public async Task SetExperiment_AnotherProgramIsFaster_GivesItsExperiment()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.RacesOnCreate = true;
        await using var client = Some.Client(server);

        Assert.Equal("1", (await client.SetExperimentAsync("raced", Token)).ExperimentId);
    }

    [Fact]
    public async Task SetExperiment_Deleted_SaysHowToRestoreIt()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.AddExperiment("gone", "4");
        server.Deleted.Add("gone");
        await using var client = Some.Client(server);

        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => client.SetExperimentAsync("gone", Token));

        Assert.Contains("RestoreExperimentAsync(\"4\")", e.Message, StringComparison.Ordinal);
    }

    private static async Task<LoopbackServer> AlwaysAsync(int status, string body)
    {
        var server = await LoopbackServer.StartAsync();
        server.Intercept = async (context, _) =>
        {
            context.Response.Headers.RetryAfter = "0";
            await LoopbackServer.AnswerAsync(context, status, body);
            return true;
        };
        return server;
    }
}
