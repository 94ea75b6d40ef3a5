using System.Globalization;
using Google.Protobuf;
using MLflow.Server.Otlp.Protos;

namespace MLflow.Server.Otlp;

/// <summary>An answer in the format of its request: what OTLP says for success and for failure.</summary>
internal sealed class OtlpAnswer : IResult
{
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default);

    private readonly IMessage _message;
    private readonly OtlpFormat _format;
    private readonly int _status;
    private readonly bool _isRetryable;

    public OtlpAnswer(IMessage message, OtlpFormat format)
    {
        _message = message;
        _format = format;
        _status = StatusCodes.Status200OK;
    }

    public OtlpAnswer(OtlpStatus status, OtlpFormat format)
    {
        _message = new RpcStatus { Code = (int)status.Grpc, Message = status.Message };
        _format = format;
        _status = status.Http;
        _isRetryable = status.IsRetryable;
    }

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = _status;
        if (_isRetryable)
        {
            response.Headers.RetryAfter = OtlpLimits.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        }

        if (_format == OtlpFormat.Json)
        {
            response.ContentType = OtlpEndpoints.JsonType;
            return response.WriteAsync(Formatter.Format(_message));
        }

        response.ContentType = OtlpEndpoints.ProtobufType;
        var bytes = _message.ToByteArray();
        response.ContentLength = bytes.Length;
        return response.Body.WriteAsync(bytes).AsTask();
    }
}
