using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MLflow.AotSmoke;

/// <summary>A model and a tracking server on one loopback port, as far as this program needs them.</summary>
internal sealed class LoopbackEndpoint : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly MemoryStream _spans = new();
    private int _infos;

    public LoopbackEndpoint()
    {
        Address = $"http://127.0.0.1:{FreePort()}";
        _listener.Prefixes.Add(Address + "/");
        _listener.Start();
        _ = ServeAsync();
    }

    public string Address { get; }

    public int ReceivedInfos => Volatile.Read(ref _infos);

    public byte[] ReceivedSpans
    {
        get
        {
            lock (_spans)
            {
                return _spans.ToArray();
            }
        }
    }

    public void Dispose()
    {
        _listener.Close();
        _spans.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            await AnswerAsync(context);
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        var body = await ReadAsync(context.Request);
        var path = context.Request.Url!.AbsolutePath;
        var (type, text) = path switch
        {
            "/version" => ("text/html", "3.11.2"),
            "/v1/chat/completions" when Encoding.UTF8.GetString(body).Contains("\"stream\":true", StringComparison.Ordinal) => ("text/event-stream", Stream()),
            "/v1/chat/completions" => ("application/json", Answer()),
            "/api/2.0/mlflow/experiments/get-by-name" => ("application/json", """{"experiment":{"experiment_id":"7","name":"aot-smoke","lifecycle_stage":"active"}}"""),
            "/v1/traces" => Keep(body),
            "/api/3.0/mlflow/traces" => Count(),
            "/api/3.0/mlflow/traces/tr-1/assessments" => ("application/json", Encoding.UTF8.GetString(body)),
            "/api/3.0/mlflow/traces/search" => ("application/json", """{"traces":[{"trace_id":"tr-1","state":"OK","tags":{"mlflow.trace.spansLocation":"TRACKING_STORE"}}]}"""),
            "/api/3.0/mlflow/traces/batchGet" => ("application/json", """{"traces":[{"trace_info":{"trace_id":"tr-1"},"spans":[{"span_id":"4dc538ff62b0dad8","name":"found","attributes":[]}]}]}"""),
            _ => ("text/html", ""),
        };
        context.Response.StatusCode = text.Length == 0 && path != "/v1/traces" ? 404 : 200;
        context.Response.ContentType = type;
        await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(text));
        context.Response.Close();
    }

    private static async Task<byte[]> ReadAsync(HttpListenerRequest request)
    {
        using var body = new MemoryStream();
        if (request.Headers["Content-Encoding"] == "gzip")
        {
            await using var gzip = new GZipStream(request.InputStream, CompressionMode.Decompress);
            await gzip.CopyToAsync(body);
        }
        else
        {
            await request.InputStream.CopyToAsync(body);
        }

        return body.ToArray();
    }

    private (string Type, string Text) Keep(byte[] spans)
    {
        lock (_spans)
        {
            _spans.Write(spans);
        }

        return ("application/x-protobuf", "");
    }

    private (string Type, string Text) Count()
    {
        Interlocked.Increment(ref _infos);
        return ("application/json", """{"trace":{"trace_info":{"tags":{"mlflow.trace.spansLocation":"TRACKING_STORE"}}}}""");
    }

    private static string Answer() =>
        """{"id":"chatcmpl-1","object":"chat.completion","created":1764900000,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"Paris"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}""";

    private static string Stream() =>
        """
        data: {"id":"chatcmpl-2","object":"chat.completion.chunk","created":1764900000,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"role":"assistant","content":"To"},"finish_reason":null}]}

        data: {"id":"chatcmpl-2","object":"chat.completion.chunk","created":1764900000,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"kyo"},"finish_reason":"stop"}]}

        data: [DONE]


        """;
}
