using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using Google.Protobuf;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using MLflow.Server.Access;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Runs;
using MLflow.Server.Storage;
using MLflow.Server.Tests.Storage;
using MLflow.Server.Traces;
using Xunit;

namespace MLflow.Server.Tests.Access;

/// <summary>A server with users, two experiments, and in each a trace, a run and an artifact.</summary>
public sealed class SomeGuardedServer : IAsyncLifetime
{
    public const string Password = "correct horse battery staple";

    private readonly TemporaryFolder _folder = new();

    /// <summary>Of users whose password is not what is tested: hashing is slow by design.</summary>
    private static readonly string CheapHash = PasswordHash.Create(Password, iterations: 10);

    internal FakeTimeProvider Time { get; } = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public MlflowServer Server { get; private set; } = null!;

    public HttpClient Client { get; private set; } = null!;

    /// <summary>An experiment that Edith may edit, and another that she may not even read.</summary>
    public long Hers { get; private set; }

    public long Others { get; private set; }

    public string HerTrace { get; private set; } = "";

    public string OthersTrace { get; private set; } = "";

    public string OthersRun { get; private set; } = "";

    public string DatabaseUri => "sqlite:///" + _folder.File("mlflow.db");

    internal IAccessStore Users => Server.Services.GetRequiredService<IAccessStore>();

    internal AccessAdministration Administration => Server.Services.GetRequiredService<AccessAdministration>();

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Server = await MlflowServer.StartAsync(
            new MlflowServerOptions
            {
                Port = 0,
                OtlpGrpcPort = 0,
                BackendStoreUri = DatabaseUri,
                ArtifactsDestination = _folder.File("artifacts"),
                StaticPrefix = "/prefix",
                TrustedProxies = ["127.0.0.1"],
                TimeProvider = Time,
            },
            Token);
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = Server.BaseAddress };
        var experiments = Server.Services.GetRequiredService<IExperimentStore>();
        Hers = (await experiments.CreateAsync("hers", null, new Dictionary<string, string>(), Token)).ExperimentId;
        Others = (await experiments.CreateAsync("others", null, new Dictionary<string, string>(), Token)).ExperimentId;
        await AddUserAsync("root", isAdmin: true);
        await AddUserAsync("maria", Permission.Manage);
        var edith = await AddUserAsync("edith", Permission.None);
        await Users.SetPermissionAsync(edith.UserId, Hers, Permission.Edit, Token);
        HerTrace = await AddTraceAsync(Hers);
        OthersTrace = await AddTraceAsync(Others);
        OthersRun = (await Server.Services.GetRequiredService<IRunStore>().CreateAsync(new Run { RunId = Guid.NewGuid().ToString("n"), ExperimentId = Others, Name = "r" }, Token)).RunId;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Server.DisposeAsync();
        _folder.Dispose();
    }

    internal Task<User> AddUserAsync(string name, Permission permission = Permission.Read, bool isAdmin = false) =>
        Users.CreateUserAsync(new NewUser(name, CheapHash, isAdmin, permission), onlyFirst: false, Token);

    internal async Task<AuthenticationHeaderValue> TokenAsync(string user, TokenScope scope, long[]? experiments = null, TimeSpan? life = null)
    {
        var (_, secret) = await Administration.CreateTokenAsync(Actor.CommandLine, Users.FindUser(user)!, "test", scope, experiments, life, Token);
        return new AuthenticationHeaderValue("Bearer", secret.Text);
    }

    internal static AuthenticationHeaderValue Basic(string name, string password = Password) => new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}")));

    internal async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body = null, AuthenticationHeaderValue? credentials = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Content = body as HttpContent ?? (body is null ? null : JsonContent.Create(body));
        request.Headers.Authorization = credentials;
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        return await Client.SendAsync(request, Token);
    }

    internal async Task<HttpStatusCode> StatusAsync(HttpMethod method, string path, object? body = null, AuthenticationHeaderValue? credentials = null, params (string Name, string Value)[] headers)
    {
        using var response = await SendAsync(method, path, body, credentials, headers);
        return response.StatusCode;
    }

    internal static ByteArrayContent Export(string traceId, string name = "s")
    {
        var id = ByteString.CopyFrom(Convert.FromHexString(traceId.Replace("tr-", "", StringComparison.Ordinal)));
        var request = new ExportTraceServiceRequest
        {
            ResourceSpans = { new ResourceSpans { ScopeSpans = { new ScopeSpans { Spans = { new Span { Name = name, TraceId = id, SpanId = ByteString.CopyFrom(1, 2, 3, 4, 5, 6, 7, 8), StartTimeUnixNano = 1, EndTimeUnixNano = 2 } } } } } },
        };
        var content = new ByteArrayContent(request.ToByteArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        return content;
    }

    private async Task<string> AddTraceAsync(long experimentId)
    {
        var span = SomeTrace.Span(SomeTrace.NewOtelId(), 1);
        await Server.Services.GetRequiredService<ITraceStore>().WriteAsync(new TraceBatch { Spans = [span], ExperimentId = experimentId }, Token);
        return span.TraceId;
    }
}
