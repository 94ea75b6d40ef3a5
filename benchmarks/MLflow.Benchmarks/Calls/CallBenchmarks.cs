using System.ClientModel;
using System.ClientModel.Primitives;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Trace;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace MLflow.Benchmarks.Calls;

/// <summary>
/// What tracing adds to one chat call and to one stream of 500 chunks. All three go through the same <see cref="IChatClient"/> over the same
/// OpenAI client. Between iterations both exporters are emptied, so that neither drops: an iteration is shorter than either queue.
/// </summary>
[Config(typeof(CallConfig))]
public class CallBenchmarks
{
    private static readonly ChatMessage[] Messages =
    [
        new(ChatRole.System, string.Join(' ', Enumerable.Repeat("You are a helpful assistant.", 30))),
        new(ChatRole.User, "What is the capital of France?"),
    ];

    private CollectorProcess _collector = null!;
    private TracerProvider? _provider;
    private IChatClient _chat = null!;
    private IChatClient _stream = null!;

    [Params(Tracing.None, Tracing.Mlflow, Tracing.ExtensionsAI)]
    public Tracing Tracing { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _collector = CollectorProcess.Start();
        _chat = Client(CannedAnswers.Chat());
        _stream = Client(CannedAnswers.Stream());
        switch (Tracing)
        {
            case Tracing.Mlflow:
                Mlflow.SetTrackingUri(_collector.Address);
                Mlflow.OpenAI.Autolog();
                break;
            case Tracing.ExtensionsAI:
                _provider = Sdk.CreateTracerProviderBuilder()
                    .AddSource("benchmark")
                    .AddOtlpExporter(o =>
                    {
                        o.Endpoint = new Uri(_collector.Address + "/v1/traces");
                        o.Protocol = OtlpExportProtocol.HttpProtobuf;
                    })
                    .Build();
                _chat = Traced(_chat);
                _stream = Traced(_stream);
                break;
            default:
                break;
        }
    }

    [GlobalCleanup]
    public async Task CleanUpAsync()
    {
        Mlflow.OpenAI.Autolog(disable: true);
        var flushed = Tracing == Tracing.Mlflow ? await Mlflow.FlushAsync() : null;
        if (flushed is not null)
        {
            // A dropped trace costs less than a sent one: figures with drops would flatter us.
            Console.WriteLine($"// traces exported {flushed.Exported}, pending {flushed.Pending}, dropped {flushed.Dropped}");
        }

        _provider?.Dispose();
        _chat.Dispose();
        _stream.Dispose();
        _collector.Dispose();
    }

    [IterationSetup]
    public void Empty() => Flush();

    [IterationCleanup]
    public void EmptyAgain() => Flush();

    [Benchmark]
    public async Task<int> Chat() => (await _chat.GetResponseAsync(Messages)).Messages.Count;

    [Benchmark]
    public async Task<int> Stream500Chunks()
    {
        var updates = 0;
        await foreach (var _ in _stream.GetStreamingResponseAsync(Messages))
        {
            updates++;
        }

        return updates;
    }

    private static IChatClient Client(IReadOnlyList<byte[]> answer)
    {
#pragma warning disable CA2000 // The transport keeps the handler for the life of the process.
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = (_, _) => ValueTask.FromResult<Stream>(new CannedConnection(answer)),
        };
        var options = new OpenAIClientOptions
        {
            Endpoint = new Uri("http://api.openai.test/v1"),
            Transport = new HttpClientPipelineTransport(new HttpClient(handler)),
        };
#pragma warning restore CA2000
        return new ChatClient("gpt-4o-mini", new ApiKeyCredential("benchmark"), options).AsIChatClient();
    }

    private static IChatClient Traced(IChatClient client) => client.AsBuilder()
        .UseOpenTelemetry(sourceName: "benchmark", configure: c => c.EnableSensitiveData = true)
        .Build();

    private void Flush()
    {
        if (Tracing == Tracing.Mlflow)
        {
            Mlflow.FlushAsync().GetAwaiter().GetResult();
        }

        _provider?.ForceFlush();
    }
}
