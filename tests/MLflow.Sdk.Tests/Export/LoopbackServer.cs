using System.IO.Compression;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MLflow.Tests.Export;

/// <summary>A receiving end on 127.0.0.1 that answers as an MLflow server does, remembers what it got, and misbehaves when asked.</summary>
internal sealed class LoopbackServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Lock _lock = new();
    private readonly List<RecordedRequest> _requests = [];
    private readonly Dictionary<string, string> _experiments = [];
    private readonly HashSet<string> _tracesWithSpans = [];
    private readonly List<(string Path, TaskCompletionSource<RecordedRequest> Came)> _awaited = [];

    private LoopbackServer(WebApplication app) => _app = app;

    public string Address { get; private set; } = "";

    public int Port => new Uri(Address).Port;

    public string Version { get; set; } = "3.11.2";

    /// <summary>Names whose experiments are deleted.</summary>
    public HashSet<string> Deleted { get; } = [];

    /// <summary>Says that another client creates each missing experiment just before we do.</summary>
    public bool RacesOnCreate { get; set; }

    /// <summary>Whether StartTraceV3 says that the spans are stored when they have come.</summary>
    public bool TellsSpansLocation { get; set; } = true;

    /// <summary>Whether it takes facts with spans, as ours does and MLflow's own does not.</summary>
    public bool TakesFacts { get; set; }

    /// <summary>The version of which it records calls, as ours does; null for none.</summary>
    public string? RecordsCallsOf { get; set; }

    /// <summary>Whether it says that it recorded them.</summary>
    public bool ConfirmsCalls { get; set; } = true;

    /// <summary>Answers instead of the server; returns false to let the server answer.</summary>
    public Func<HttpContext, RecordedRequest, Task<bool>>? Intercept { get; set; }

    public IReadOnlyList<RecordedRequest> Requests
    {
        get
        {
            lock (_lock)
            {
                return [.. _requests];
            }
        }
    }

    public IEnumerable<RecordedRequest> To(string path) => Requests.Where(r => r.Path.StartsWith(path, StringComparison.Ordinal));

    /// <summary>The next request to the path, recorded before it is answered.</summary>
    public Task<RecordedRequest> NextAsync(string path)
    {
        var came = new TaskCompletionSource<RecordedRequest>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _awaited.Add((path, came));
        }

        return came.Task.WaitAsync(Xunit.TestContext.Current.CancellationToken);
    }

    public static async Task<LoopbackServer> StartAsync(int port = 0, System.Net.IPAddress? address = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(address ?? System.Net.IPAddress.Loopback, port, l => l.Protocols = HttpProtocols.Http1));
        var app = builder.Build();
        var server = new LoopbackServer(app);
        app.Run(server.AnswerAsync);
        await app.StartAsync();
        server.Address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    public static Task AnswerAsync(HttpContext context, int status, string body, string contentType = "application/json")
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        return context.Response.WriteAsync(body);
    }

    private static Task AnswerAsync(HttpContext context, object body) => AnswerAsync(context, 200, JsonSerializer.Serialize(body));

    private async Task AnswerAsync(HttpContext context)
    {
        var request = await RecordAsync(context.Request);
        if (Intercept is { } intercept && await intercept(context, request))
        {
            request.WasIntercepted = true;
            return;
        }

        switch (request.Method, request.Path.Split('?')[0])
        {
            case ("GET", "/version"):
                await AnswerAsync(context, 200, Version, "text/html");
                break;
            case ("GET", "/api/3.0/mlflow/server-info") when TakesFacts:
                await AnswerAsync(context, 200, RecordsCallsOf is null
                    ? """{"store_type":"SqlStore","takes_trace_facts":true}"""
                    : $$"""{"store_type":"SqlStore","takes_trace_facts":true,"records_calls_of":"{{RecordsCallsOf}}"}""");
                break;
            case ("GET", "/api/2.0/mlflow/experiments/get-by-name"):
                await AnswerExperimentAsync(context);
                break;
            case ("POST", "/api/2.0/mlflow/experiments/create"):
                await AnswerCreateAsync(context, request.Json.GetProperty("name").GetString()!);
                break;
            case ("POST", "/v1/traces"):
                lock (_lock)
                {
                    _tracesWithSpans.UnionWith(request.Spans.Except(request.PlainCalls).Select(s => s.Attributes.Single(a => a.Key == "mlflow.traceRequestId").Value.StringValue));
                }

                if (TakesFacts && request.Facts.Any())
                {
                    context.Response.Headers["x-mlflow-trace-facts"] = "1";
                }

                if (ConfirmsCalls && request.PlainCalls.Any())
                {
                    context.Response.Headers["x-mlflow-recorded-calls"] = request.PlainCalls.Count().ToString(System.Globalization.CultureInfo.InvariantCulture);
                }

                context.Response.ContentType = "application/x-protobuf";
                break;
            case ("POST", "/api/3.0/mlflow/traces"):
                await AnswerStartTraceAsync(context, request);
                break;
            case ("PUT", _) when request.Path.StartsWith("/api/2.0/mlflow-artifacts/artifacts/", StringComparison.Ordinal):
                await AnswerAsync(context, 200, "{}");
                break;
            default:
                await AnswerAsync(context, 404, "<!doctype html><h1>Not Found</h1>", "text/html");
                break;
        }
    }

    private async Task<RecordedRequest> RecordAsync(HttpRequest request)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        var bytes = body.ToArray();
        if (request.Headers.ContentEncoding == "gzip")
        {
            using var plain = new MemoryStream();
            using (var gzip = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress))
            {
                await gzip.CopyToAsync(plain);
            }

            bytes = plain.ToArray();
        }

        var recorded = new RecordedRequest(
            request.Method,
            request.Path + request.QueryString,
            request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            bytes);
        lock (_lock)
        {
            _requests.Add(recorded);
            foreach (var (path, came) in _awaited.Where(a => recorded.Path.StartsWith(a.Path, StringComparison.Ordinal)))
            {
                came.TrySetResult(recorded);
            }
        }

        return recorded;
    }

    private Task AnswerExperimentAsync(HttpContext context)
    {
        var name = context.Request.Query["experiment_name"].ToString();
        lock (_lock)
        {
            return _experiments.TryGetValue(name, out var id)
                ? AnswerAsync(context, new { experiment = new { experiment_id = id, lifecycle_stage = Deleted.Contains(name) ? "deleted" : "active" } })
                : AnswerAsync(context, 404, $$"""{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Could not find experiment with name '{{name}}'"}""");
        }
    }

    private Task AnswerCreateAsync(HttpContext context, string name)
    {
        lock (_lock)
        {
            var isNew = _experiments.TryAdd(name, (_experiments.Count + 1).ToString(System.Globalization.CultureInfo.InvariantCulture));
            return isNew && !RacesOnCreate
                ? AnswerAsync(context, 200, $$"""{"experiment_id":"{{_experiments[name]}}"}""")
                : AnswerAsync(context, 400, """{"error_code":"RESOURCE_ALREADY_EXISTS","message":"Experiment already exists."}""");
        }
    }

    private Task AnswerStartTraceAsync(HttpContext context, RecordedRequest request)
    {
        var info = request.Json.GetProperty("trace").GetProperty("trace_info");
        var id = info.GetProperty("trace_id").GetString()!;
        var experiment = info.GetProperty("trace_location").GetProperty("mlflow_experiment").GetProperty("experiment_id").GetString();
        bool hasSpans;
        lock (_lock)
        {
            hasSpans = TellsSpansLocation && _tracesWithSpans.Contains(id);
        }

        var tags = new Dictionary<string, string> { ["mlflow.artifactLocation"] = $"mlflow-artifacts:/{experiment}/traces/{id}/artifacts" };
        if (hasSpans)
        {
            tags["mlflow.trace.spansLocation"] = "TRACKING_STORE";
        }

        return AnswerAsync(context, new { trace = new { trace_info = new { trace_id = id, tags } } });
    }

    public void AddExperiment(string name, string id)
    {
        lock (_lock)
        {
            _experiments[name] = id;
        }
    }

    public void LoseExperiments()
    {
        lock (_lock)
        {
            _experiments.Clear();
        }
    }
}
