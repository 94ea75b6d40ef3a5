using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using MLflow.Server.Access;
using MLflow.Server.Access.Http;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Storage;
using Xunit;

namespace MLflow.Server.Tests.Access;

public sealed class AuthenticationTests : IAsyncLifetime
{
    private const string Search = "/api/2.0/mlflow/experiments/search?max_results=100";

    private readonly SomeGuardedServer _server = new();

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Refusal_TellsClientsWhatToSet()
    {
        using var response = await _server.SendAsync(HttpMethod.Get, Search);
        var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Token)).RootElement;

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("UNAUTHENTICATED", error.GetProperty("error_code").GetString());
        Assert.Contains("MLFLOW_TRACKING_TOKEN", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Contains(response.Headers.WwwAuthenticate, challenge => challenge.Scheme == "Basic");
    }

    [Fact]
    public async Task UnknownUserAndWrongPassword_AreAnsweredAlike()
    {
        using var unknown = await _server.SendAsync(HttpMethod.Get, Search, credentials: SomeGuardedServer.Basic("nobody", "x"));
        using var wrong = await _server.SendAsync(HttpMethod.Get, Search, credentials: SomeGuardedServer.Basic("edith", "x"));
        using var noPassword = await _server.SendAsync(HttpMethod.Get, Search, credentials: SomeGuardedServer.Basic("", ""));

        Assert.All((HttpResponseMessage[])[unknown, wrong, noPassword], response => Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode));
        Assert.Equal(await unknown.Content.ReadAsStringAsync(Token), await wrong.Content.ReadAsStringAsync(Token));
    }

    [Theory]
    [InlineData("admin", "password")]
    [InlineData("admin", "password1234")]
    [InlineData("admin", "admin")]
    [InlineData("root", "")]
    public async Task DefaultPasswords_AreNone(string name, string password) =>
        Assert.Equal(HttpStatusCode.Unauthorized, await _server.StatusAsync(HttpMethod.Get, Search, credentials: SomeGuardedServer.Basic(name, password)));

    [Theory]
    [InlineData("Basic", "%%%")]
    [InlineData("Basic", "bm9jb2xvbg==")]
    [InlineData("Bearer", "")]
    [InlineData("Bearer", "mlf_0123456789ab_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("Digest", "x")]
    public async Task Credentials_ThatCannotBe_AreRefused(string scheme, string parameter) =>
        Assert.Equal(HttpStatusCode.Unauthorized, await _server.StatusAsync(HttpMethod.Get, Search, credentials: new AuthenticationHeaderValue(scheme, parameter)));

    [Fact]
    public async Task Search_OfExperiments_ShowsThoseThatOneMayRead()
    {
        Assert.Equal(["hers"], await NamesAsync(SomeGuardedServer.Basic("edith")));
        Assert.Equal(["Default", "hers", "others"], await NamesAsync(SomeGuardedServer.Basic("maria")));
        Assert.Equal(["others"], await NamesAsync(await _server.TokenAsync("maria", TokenScope.Read, [_server.Others])));

        await _server.Users.SetPermissionAsync(_server.Users.FindUser("maria")!.UserId, _server.Others, Permission.None, Token);
        Assert.Equal(["Default", "hers"], await NamesAsync(SomeGuardedServer.Basic("maria")));
    }

    [Fact]
    public async Task Search_OverSeveralExperiments_LeavesOutWhatOneMayNotRead()
    {
        var body = new { locations = new[] { Location(_server.Hers), Location(_server.Others) } };
        using var response = await _server.SendAsync(HttpMethod.Post, "/api/3.0/mlflow/traces/search", body, SomeGuardedServer.Basic("edith"));
        var traces = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Token)).RootElement.GetProperty("traces");

        Assert.Equal(_server.HerTrace, Assert.Single(traces.EnumerateArray()).GetProperty("trace_id").GetString());
    }

    [Fact]
    public async Task Ids_OfExperimentsThatAreNotThere_AreAnsweredAsForbiddenOnes()
    {
        var edith = SomeGuardedServer.Basic("edith");
        using var forbidden = await _server.SendAsync(HttpMethod.Get, $"/api/2.0/mlflow/experiments/get?experiment_id={_server.Others}", credentials: edith);
        using var missing = await _server.SendAsync(HttpMethod.Get, "/api/2.0/mlflow/experiments/get?experiment_id=4711", credentials: edith);

        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (forbidden.StatusCode, missing.StatusCode));
    }

    [Fact]
    public async Task Export_WithATokenOfOneExperiment_GoesThere()
    {
        var traceId = Guid.NewGuid().ToString("n");

        Assert.Equal(HttpStatusCode.OK, await _server.StatusAsync(HttpMethod.Post, "/v1/traces", SomeGuardedServer.Export(traceId), await _server.TokenAsync("maria", TokenScope.Ingest, [_server.Others])));

        var found = await ((ITraceStore)_server.Server.Services.GetService(typeof(ITraceStore))!).GetExperimentsAsync(["tr-" + traceId], Token);
        Assert.Equal(_server.Others, found["tr-" + traceId]);
    }

    [Fact]
    public async Task Export_IntoATraceOfAnotherExperiment_IsRefused()
    {
        var status = await _server.StatusAsync(
            HttpMethod.Post, "/v1/traces", SomeGuardedServer.Export(_server.OthersTrace, "forged"), SomeGuardedServer.Basic("edith"), ("x-mlflow-experiment-id", $"{_server.Hers}"));

        Assert.Equal(HttpStatusCode.Forbidden, status);
    }

    [Fact]
    public async Task StartTrace_WithATokenForSending_TellsNothingOfWhatIsStored()
    {
        var info = new { trace = new { trace_info = new { trace_id = _server.HerTrace, trace_location = Location(_server.Hers), request_time = "2026-01-01T00:00:00Z", state = "OK" } } };
        await _server.StatusAsync(HttpMethod.Patch, $"/api/3.0/mlflow/traces/{_server.HerTrace}/tags", new { key = "secret", value = "of others" }, SomeGuardedServer.Basic("edith"));
        using var response = await _server.SendAsync(HttpMethod.Post, "/api/3.0/mlflow/traces", info, await _server.TokenAsync("edith", TokenScope.Ingest));
        var answer = await response.Content.ReadAsStringAsync(Token);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains("mlflow.artifactLocation", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("of others", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attachment_OfATraceThatPointsElsewhere_IsRefused()
    {
        var name = Guid.NewGuid().ToString();
        var root = await _server.TokenAsync("root", TokenScope.Admin);
        Assert.Equal(HttpStatusCode.OK, await _server.StatusAsync(HttpMethod.Put, $"/api/2.0/mlflow-artifacts/artifacts/{_server.Others}/x/attachments/{name}", new ByteArrayContent([1]), root));
        var edith = SomeGuardedServer.Basic("edith");
        await _server.StatusAsync(HttpMethod.Patch, $"/api/3.0/mlflow/traces/{_server.HerTrace}/tags", new { key = "mlflow.artifactLocation", value = $"mlflow-artifacts:/{_server.Others}/x" }, edith);

        Assert.Equal(HttpStatusCode.Forbidden, await _server.StatusAsync(HttpMethod.Get, $"/ajax-api/3.0/mlflow/get-trace-artifact?request_id={_server.HerTrace}&path={name}", credentials: edith));
    }

    [Theory]
    [InlineData("0{0}/a.txt")]
    [InlineData("+{0}/a.txt")]
    [InlineData("somewhere/a.txt")]
    [InlineData("{1}/../{0}/a.txt")]
    [InlineData("{1}/%2e%2e/{0}/a.txt")]
    public async Task Artifact_OutsideOfOnesExperiments_IsRefused(string path) => Assert.Contains(
        await _server.StatusAsync(
            HttpMethod.Get, "/api/2.0/mlflow-artifacts/artifacts/" + string.Format(System.Globalization.CultureInfo.InvariantCulture, path, _server.Others, _server.Hers), credentials: SomeGuardedServer.Basic("edith")),
        (HttpStatusCode[])[HttpStatusCode.Forbidden, HttpStatusCode.BadRequest]);

    [Fact]
    public async Task Export_Refused_IsAnsweredAsOtlpHasIt()
    {
        using var response = await _server.SendAsync(HttpMethod.Post, "/v1/traces", SomeGuardedServer.Export(Guid.NewGuid().ToString("n")));

        Assert.Equal((HttpStatusCode.Unauthorized, "application/x-protobuf"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        Assert.Equal(16, RpcStatus.Parser.ParseFrom(await response.Content.ReadAsByteArrayAsync(Token)).Code);
    }

    [Theory]
    [InlineData(null, 16)]
    [InlineData(TokenScope.Read, 7)]
    [InlineData(TokenScope.Ingest, 0)]
    internal async Task ExportOverGrpc_AsksForTheSame(TokenScope? scope, int expected)
    {
        var message = await SomeGuardedServer.Export(Guid.NewGuid().ToString("n")).ReadAsByteArrayAsync(Token);
        var frame = new byte[5 + message.Length];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, 5);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_server.Server.OtlpGrpcAddress!, "opentelemetry.proto.collector.trace.v1.TraceService/Export"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(frame),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        request.Headers.Authorization = scope is { } given ? await _server.TokenAsync("maria", given) : null;

        using var response = await _server.Client.SendAsync(request, Token);
        await response.Content.ReadAsByteArrayAsync(Token);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var status = response.TrailingHeaders.Concat(response.Headers).First(header => header.Key == "grpc-status").Value.Single();
        Assert.Equal(expected, int.Parse(status, System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task WrongPasswords_AreSlowedDownByAddressAndLockNobodyElseOut()
    {
        for (var i = 0; i < PasswordCheck.AddressLimit; i++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await TryAsync($"wrong {i}", "10.1.1.1"));
        }

        using var limited = await _server.SendAsync(HttpMethod.Get, Search, credentials: SomeGuardedServer.Basic("edith"), headers: ("X-Forwarded-For", "10.1.1.1"));
        Assert.Equal(HttpStatusCode.TooManyRequests, limited.StatusCode);
        Assert.Equal(PasswordCheck.AddressWindow, limited.Headers.RetryAfter?.Delta);
        Assert.Equal(HttpStatusCode.OK, await TryAsync(SomeGuardedServer.Password, "10.1.1.2"));

        // Who is known by now needs no attempt; and time heals.
        Assert.Equal(HttpStatusCode.OK, await TryAsync(SomeGuardedServer.Password, "10.1.1.1"));
        _server.Time.Advance(PasswordCheck.AddressWindow);
        Assert.Equal(HttpStatusCode.Unauthorized, await TryAsync("wrong again", "10.1.1.1"));
    }

    [Fact]
    public async Task WrongPasswords_FromManyAddresses_DoNotLockOutTheAddressOfTheUser()
    {
        Assert.Equal(HttpStatusCode.OK, await TryAsync(SomeGuardedServer.Password, "10.2.0.1"));
        for (var i = 0; i < PasswordCheck.NameLimit; i++)
        {
            await TryAsync($"wrong {i}", $"10.3.{i}.1");
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, await TryAsync("another", "10.4.0.1"));
        _server.Time.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal(HttpStatusCode.OK, await TryAsync(SomeGuardedServer.Password, "10.2.0.1"));
        Assert.Equal(HttpStatusCode.Unauthorized, await TryAsync("mistyped", "10.2.0.1"));
        Assert.Equal(HttpStatusCode.OK, await TryAsync(SomeGuardedServer.Password, "10.2.0.1"));
    }

    [Fact]
    public async Task WrongPassword_AgainAndAgain_IsOneGuess()
    {
        for (var i = 0; i < 3 * PasswordCheck.AddressLimit; i++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await TryAsync("the old password", "10.5.1.1"));
        }

        Assert.Equal(HttpStatusCode.OK, await TryAsync(SomeGuardedServer.Password, "10.5.1.1"));
    }

    [Fact]
    public async Task Password_Changed_CountsAtOnce()
    {
        Assert.Equal(HttpStatusCode.OK, await TryAsync(SomeGuardedServer.Password, "10.6.1.1"));

        using var change = await _server.SendAsync(
            HttpMethod.Patch, "/api/2.0/mlflow/users/update-password", new { username = "edith", password = "another long password" }, SomeGuardedServer.Basic("edith"));

        Assert.Equal(HttpStatusCode.OK, change.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, await TryAsync(SomeGuardedServer.Password, "10.6.1.1"));
        Assert.Equal(HttpStatusCode.OK, await TryAsync("another long password", "10.6.1.1"));
    }

    [Fact]
    public async Task Creator_OfAnExperiment_ManagesIt()
    {
        var edith = SomeGuardedServer.Basic("edith");
        using var created = await _server.SendAsync(HttpMethod.Post, "/api/2.0/mlflow/experiments/create", new { name = "new" }, edith);
        var id = JsonDocument.Parse(await created.Content.ReadAsStringAsync(Token)).RootElement.GetProperty("experiment_id").GetString();

        Assert.Equal(HttpStatusCode.OK, await _server.StatusAsync(HttpMethod.Post, "/api/2.0/mlflow/experiments/permissions/create", new { experiment_id = id, username = "maria", permission = "READ" }, edith));
        Assert.Equal(HttpStatusCode.OK, await _server.StatusAsync(HttpMethod.Post, "/api/2.0/mlflow/experiments/delete", new { experiment_id = id }, edith));
        Assert.Equal(HttpStatusCode.Forbidden, await _server.StatusAsync(HttpMethod.Post, "/api/2.0/mlflow/experiments/delete", new { experiment_id = $"{_server.Hers}" }, edith));
    }

    [Fact]
    public async Task Users_AreManagedByAdministratorsAsMlflowHasIt()
    {
        var root = SomeGuardedServer.Basic("root");
        using var created = await _server.SendAsync(HttpMethod.Post, "/api/2.0/mlflow/users/create", new { username = "otto", password = "a long enough one" }, root);
        var user = JsonDocument.Parse(await created.Content.ReadAsStringAsync(Token)).RootElement.GetProperty("user");

        Assert.Equal(("otto", false), (user.GetProperty("username").GetString(), user.GetProperty("is_admin").GetBoolean()));
        Assert.Equal(HttpStatusCode.OK, await _server.StatusAsync(HttpMethod.Get, Search, credentials: SomeGuardedServer.Basic("otto", "a long enough one")));
        Assert.Equal(HttpStatusCode.OK, await _server.StatusAsync(HttpMethod.Patch, "/api/2.0/mlflow/users/update-admin", new { username = "otto", is_admin = true }, root));
        Assert.Equal(HttpStatusCode.OK, await _server.StatusAsync(HttpMethod.Get, "/api/2.0/mlflow/users/list", credentials: SomeGuardedServer.Basic("otto", "a long enough one")));
        Assert.Equal(HttpStatusCode.OK, await _server.StatusAsync(HttpMethod.Delete, "/api/2.0/mlflow/users/delete", new { username = "otto" }, root));
        Assert.Equal(HttpStatusCode.Unauthorized, await _server.StatusAsync(HttpMethod.Get, Search, credentials: SomeGuardedServer.Basic("otto", "a long enough one")));
    }

    [Fact]
    public async Task AuditLog_TellsWhoDidWhatAndNoSecret()
    {
        await TryAsync("wrong password of edith", "10.7.1.1");
        for (var i = 0; i < 3; i++)
        {
            await _server.StatusAsync(HttpMethod.Get, $"/api/2.0/mlflow/experiments/get?experiment_id={_server.Hers}");
        }

        await _server.StatusAsync(
            HttpMethod.Post, "/api/3.0/mlflow/traces/delete-traces", new { experiment_id = $"{_server.Hers}", request_ids = new[] { _server.HerTrace } }, SomeGuardedServer.Basic("edith"));
        var entries = _server.Users.ListAudit(100);

        Assert.Contains(entries, entry => entry is { Actor: "edith", Action: AuditAction.Login, Result: AuditResult.Failed, Address: "10.7.1.1" });
        Assert.Contains(entries, entry => entry.Action == AuditAction.DeleteTraces && entry.Actor == "edith" && entry.Target!.Contains(_server.HerTrace, StringComparison.Ordinal) && entry.Result == "1");
        Assert.Single(entries, entry => entry is { Action: AuditAction.Access, Actor: null, Result: AuditResult.Refused, Target: "GET /api/2.0/mlflow/experiments/get" });
        Assert.DoesNotContain(entries, entry => entry.ToString().Contains("wrong password", StringComparison.Ordinal));
    }

    private static object Location(long experimentId) => new { type = "MLFLOW_EXPERIMENT", mlflow_experiment = new { experiment_id = $"{experimentId}" } };

    private Task<HttpStatusCode> TryAsync(string password, string address) =>
        _server.StatusAsync(HttpMethod.Get, Search, credentials: SomeGuardedServer.Basic("edith", password), headers: ("X-Forwarded-For", address));

    private async Task<IEnumerable<string>> NamesAsync(AuthenticationHeaderValue credentials)
    {
        using var response = await _server.SendAsync(HttpMethod.Get, Search, credentials: credentials);
        var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Token)).RootElement;
        return answer.GetProperty("experiments").EnumerateArray().Select(experiment => experiment.GetProperty("name").GetString()!).Order(StringComparer.Ordinal);
    }
}
