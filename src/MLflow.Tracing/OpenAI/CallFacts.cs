namespace MLflow;

/// <summary>What the bodies do not say of a call.</summary>
internal readonly record struct CallFacts
{
    public required ApiOperation Operation { get; init; }

    public bool IsAsync { get; init; }

    public required string Method { get; init; }

    /// <summary>Null where the program used no absolute address.</summary>
    public CallAddress? Address { get; init; }

    /// <summary>0 when no response came.</summary>
    public int Status { get; init; }

    public string? RequestContentType { get; init; }

    public string? ResponseContentType { get; init; }

    public string? RequestId { get; init; }

    public string? ProcessingTime { get; init; }

    public static CallFacts Of(LlmCall call, LlmAttempt attempt) => new()
    {
        Operation = call.Operation,
        IsAsync = IsAnyAsync(call),
        Method = attempt.Method.Method,
        Address = attempt.Url is { IsAbsoluteUri: true } url ? CallAddress.Of(url) : null,
        Status = attempt.Status,
        RequestContentType = attempt.RequestContentType,
        ResponseContentType = attempt.ResponseContentType,
        RequestId = attempt.RequestId,
        ProcessingTime = attempt.ProcessingTime,
    };

    private static bool IsAnyAsync(LlmCall call)
    {
        for (var i = 0; i < call.Attempts.Count; i++)
        {
            if (call.Attempts[i].IsAsync == true)
            {
                return true;
            }
        }

        return false;
    }
}
