using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;

namespace MLflow.Benchmarks.Ingest;

/// <summary>OTLP requests of 5-span traces: a root and four children, each with 1 KB of inputs and 1 KB of outputs, all different.</summary>
internal static class OtlpBodies
{
    public const int SpansPerTrace = 5;

    // Field numbers of opentelemetry-proto 1.7.
    private const int ResourceSpans = 1;
    private const int ScopeSpans = 2;
    private const int Spans = 2;

    public static IReadOnlyList<byte[]> Make(int traces, int tracesPerRequest)
    {
        var random = new Random(17);
        var bodies = new List<byte[]>(traces / tracesPerRequest);
        for (var made = 0; made < traces; made += tracesPerRequest)
        {
            bodies.Add(Message(ResourceSpans, Message(ScopeSpans, scope =>
            {
                for (var i = 0; i < tracesPerRequest; i++)
                {
                    WriteTrace(scope, random);
                }
            })));
        }

        return bodies;
    }

    private static void WriteTrace(CodedOutputStream scope, Random random)
    {
        var traceId = RandomNumberGenerator.GetBytes(16);
        var rootId = RandomNumberGenerator.GetBytes(8);
        const ulong start = 1_795_399_326_000_000_000;
        for (ulong i = 0; i < SpansPerTrace; i++)
        {
            var index = i;
            var bytes = Bytes(span =>
            {
                WriteBytes(span, 1, traceId);
                WriteBytes(span, 2, index == 0 ? rootId : RandomNumberGenerator.GetBytes(8));
                if (index > 0)
                {
                    WriteBytes(span, 4, rootId);
                }

                WriteString(span, 5, index == 0 ? "agent" : "step");
                WriteFixed64(span, 7, start + (index * 1_000_000));
                WriteFixed64(span, 8, start + 50_000_000);
                WriteAttribute(span, "mlflow.traceRequestId", "tr-" + Convert.ToHexStringLower(traceId));
                WriteAttribute(span, "mlflow.spanType", index == 0 ? "AGENT" : "CHAT_MODEL");
                WriteAttribute(span, "mlflow.spanInputs", "{\"question\":\"" + Words(random) + "\"}");
                WriteAttribute(span, "mlflow.spanOutputs", "{\"answer\":\"" + Words(random) + "\"}");
                if (index > 0)
                {
                    WriteAttribute(span, "mlflow.chat.tokenUsage", """{"input_tokens":10,"output_tokens":20,"total_tokens":30}""");
                }

                WriteBytes(span, 15, [0x18, 0x01]);
            });
            WriteBytes(scope, Spans, bytes);
        }
    }

    /// <summary>1 KB of words from a small vocabulary: compressible as prose is, equal to no other.</summary>
    private static string Words(Random random)
    {
        var text = new StringBuilder(1024);
        while (text.Length < 1000)
        {
            text.Append("word").Append(random.Next(5000).ToString(CultureInfo.InvariantCulture)).Append(' ');
        }

        return text.ToString();
    }

    private static void WriteAttribute(CodedOutputStream span, string key, string value) => WriteBytes(span, 9, Bytes(attribute =>
    {
        WriteString(attribute, 1, key);
        WriteBytes(attribute, 2, Bytes(any => WriteString(any, 1, value)));
    }));

    private static byte[] Message(int field, Action<CodedOutputStream> write) => Message(field, Bytes(write));

    private static byte[] Message(int field, byte[] content) => Bytes(output => WriteBytes(output, field, content));

    private static byte[] Bytes(Action<CodedOutputStream> write)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            write(output);
        }

        return stream.ToArray();
    }

    private static void WriteBytes(CodedOutputStream output, int field, byte[] value)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(value));
    }

    private static void WriteString(CodedOutputStream output, int field, string value)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteString(value);
    }

    private static void WriteFixed64(CodedOutputStream output, int field, ulong value)
    {
        output.WriteTag(field, WireFormat.WireType.Fixed64);
        output.WriteFixed64(value);
    }
}
