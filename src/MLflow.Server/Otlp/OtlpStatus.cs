using Grpc.Core;
using MLflow.Server.Rest;

namespace MLflow.Server.Otlp;

/// <summary>What a failure is called over HTTP and over gRPC. Clients try again after 429 and 503 (gRPC: UNAVAILABLE), and give up after the others.</summary>
/// <param name="Http">The status of HTTP.</param>
/// <param name="Message">What is wrong and what to do.</param>
internal sealed record OtlpStatus(int Http, string Message)
{
    /// <summary>There are too many requests at once.</summary>
    public bool IsBusy { get; init; }

    public bool IsRetryable => Http is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable;

    public StatusCode Grpc => Http switch
    {
        StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable => StatusCode.Unavailable,
        StatusCodes.Status401Unauthorized => StatusCode.Unauthenticated,
        StatusCodes.Status403Forbidden => StatusCode.PermissionDenied,
        StatusCodes.Status404NotFound => StatusCode.NotFound,

        // Without a delay it is not tried again.
        StatusCodes.Status413PayloadTooLarge => StatusCode.ResourceExhausted,
        StatusCodes.Status501NotImplemented => StatusCode.Unimplemented,
        >= StatusCodes.Status500InternalServerError => StatusCode.Internal,
        _ => StatusCode.InvalidArgument,
    };

    /// <summary>One word for the metrics.</summary>
    public string Reason => Http switch
    {
        StatusCodes.Status413PayloadTooLarge => "too_large",
        _ when IsBusy => "busy",
        >= StatusCodes.Status500InternalServerError => "failed",
        _ => "invalid",
    };

    /// <summary>Null for what is a failure of this program.</summary>
    public static OtlpStatus? Of(Exception exception) => exception switch
    {
        OtlpException e => new OtlpStatus(e.StatusCode, e.Message) { IsBusy = e.StatusCode == StatusCodes.Status503ServiceUnavailable },
        MlflowException e => new OtlpStatus(ErrorAnswers.Status(e.ErrorCode), $"{e.ErrorCode}: {e.Message}"),
        BadHttpRequestException e => new OtlpStatus(e.StatusCode, e.Message + ErrorAnswers.Setting(e.StatusCode)),
        _ => null,
    };
}
