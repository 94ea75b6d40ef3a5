using System.Text;

namespace MLflow;

/// <summary>
/// The value of <see cref="PlainCallFeature.Attribute"/>: a protobuf message of our own, which only a server of the same version reads.
/// </summary>
internal static class PlainCallFormat
{
    private const int Operation = 1;
    private const int IsAsync = 2;
    private const int TrimsMedia = 3;
    private const int Method = 4;
    private const int Status = 5;
    private const int Address = 6;
    private const int Provider = 7;
    private const int Model = 8;
    private const int Endpoint = 9;
    private const int IsEndpoint = 10;
    private const int RequestContentType = 11;
    private const int ResponseContentType = 12;
    private const int RequestId = 13;
    private const int ProcessingTime = 14;
    private const int Closed = 15;
    private const int Request = 16;
    private const int Response = 17;
    private const int Process = 18;

    /// <summary>Writes the fields of the call's OTLP span: ids, name, times and the one attribute.</summary>
    public static void Write(ProtobufWriter writer, LiveSpan span, PlainCall call)
    {
        OtlpSpanWriter.WriteIds(writer, span);
        writer.WriteString(OtlpSpanWriter.SpanName, span.Name);
        writer.WriteFixed64(OtlpSpanWriter.SpanStart, (ulong)span.StartNs);
        writer.WriteFixed64(OtlpSpanWriter.SpanEnd, (ulong)span.EndNs);
        var pair = writer.BeginMessage(OtlpSpanWriter.SpanAttributes);
        writer.WriteString(OtlpSpanWriter.KeyValueKey, PlainCallFeature.Attribute);
        var value = writer.BeginMessage(OtlpSpanWriter.KeyValueValue);
        var message = writer.BeginMessage(OtlpSpanWriter.AnyBytes);
        Write(writer, call);
        writer.EndMessage(message);
        writer.EndMessage(value);
        writer.EndMessage(pair);
    }

    /// <summary>Reads a message.</summary>
    /// <exception cref="InvalidDataException">It is none, or of a call that does not go so.</exception>
    public static ReceivedCall Read(ReadOnlySpan<byte> message)
    {
        var call = default(ReceivedCall);
        string? method = null, requestType = null, responseType = null, requestId = null, processingTime = null;
        string? address = null, provider = null, model = null, endpoint = null;
        ApiOperation? operation = null;
        bool isAsync = false, isEndpoint = false;
        var status = 0;
        var reader = new ProtobufReader(message);
        while (reader.Read())
        {
            switch (reader.Field)
            {
                case Operation:
                    operation = PlainCall.OperationOf(Text(reader));
                    break;
                case IsAsync:
                    isAsync = reader.Number != 0;
                    break;
                case TrimsMedia:
                    call.TrimsMedia = reader.Number != 0;
                    break;
                case Method:
                    method = Text(reader);
                    break;
                case Status:
                    status = (int)reader.Number;
                    break;
                case Address:
                    address = Text(reader);
                    break;
                case Provider:
                    provider = Text(reader);
                    break;
                case Model:
                    model = Text(reader);
                    break;
                case Endpoint:
                    endpoint = Text(reader);
                    break;
                case IsEndpoint:
                    isEndpoint = reader.Number != 0;
                    break;
                case RequestContentType:
                    requestType = Text(reader);
                    break;
                case ResponseContentType:
                    responseType = Text(reader);
                    break;
                case RequestId:
                    requestId = Text(reader);
                    break;
                case ProcessingTime:
                    processingTime = Text(reader);
                    break;
                case Closed:
                    call.ClosedNs = (long)reader.Number;
                    break;
                case Request:
                    call.Request = reader.Bytes;
                    break;
                case Response:
                    call.Response = reader.Bytes;
                    break;
                case Process:
                    call.OfProcess = reader.Bytes;
                    break;
                default:
                    break;
            }
        }

        if (operation is null || method is null || call.Request.IsEmpty || call.Response.IsEmpty || call.OfProcess.IsEmpty)
        {
            throw new InvalidDataException("it lacks an operation that is recorded by servers, the method, a body or the program");
        }

        if (Math.Max(call.Request.Length, call.Response.Length) > PlainCallFeature.MaxBodyBytes)
        {
            throw new InvalidDataException($"a body has {Math.Max(call.Request.Length, call.Response.Length)} bytes, and may have {PlainCallFeature.MaxBodyBytes}");
        }

        call.Facts = new CallFacts
        {
            Operation = operation,
            IsAsync = isAsync,
            Method = method,
            Address = address is null ? null : new CallAddress(address, provider, model) { Endpoint = endpoint, IsEndpoint = isEndpoint },
            Status = status,
            RequestContentType = requestType,
            ResponseContentType = responseType,
            RequestId = requestId,
            ProcessingTime = processingTime,
        };
        return call;
    }

    private static void Write(ProtobufWriter writer, PlainCall call)
    {
        var facts = call.Facts;
        writer.WriteString(Operation, facts.Operation.Name);
        WriteFlag(writer, IsAsync, facts.IsAsync);
        WriteFlag(writer, TrimsMedia, call.TrimsMedia);
        writer.WriteString(Method, facts.Method);
        writer.WriteVarint(Status, (ulong)facts.Status);
        if (facts.Address is { } address)
        {
            writer.WriteString(Address, address.Text);
            WriteText(writer, Provider, address.Provider);
            WriteText(writer, Model, address.Model);
            WriteText(writer, Endpoint, address.Endpoint);
            WriteFlag(writer, IsEndpoint, address.IsEndpoint);
        }

        WriteText(writer, RequestContentType, facts.RequestContentType);
        WriteText(writer, ResponseContentType, facts.ResponseContentType);
        WriteText(writer, RequestId, facts.RequestId);
        WriteText(writer, ProcessingTime, facts.ProcessingTime);
        writer.WriteFixed64(Closed, (ulong)call.ClosedNs);
        writer.WriteBytes(Request, call.Request);
        writer.WriteBytes(Response, call.Response);
        writer.WriteBytes(Process, TraceInfoWriter.OfProcess);
    }

    private static void WriteText(ProtobufWriter writer, int field, string? text)
    {
        if (text is not null)
        {
            writer.WriteString(field, text);
        }
    }

    private static void WriteFlag(ProtobufWriter writer, int field, bool flag)
    {
        if (flag)
        {
            writer.WriteVarint(field, 1);
        }
    }

    private static string Text(in ProtobufReader reader) => Encoding.UTF8.GetString(reader.Bytes);
}
