namespace MLflow;

/// <summary>Error codes of MLflow's servers that programs ask for; a server may give others.</summary>
public static class MlflowErrorCode
{
    /// <summary>There is no trace, assessment, experiment or tag of that name or id.</summary>
    public const string ResourceDoesNotExist = "RESOURCE_DOES_NOT_EXIST";

    /// <summary>The name is taken.</summary>
    public const string ResourceAlreadyExists = "RESOURCE_ALREADY_EXISTS";

    /// <summary>There are as many of them as there can be.</summary>
    public const string ResourceLimitExceeded = "RESOURCE_LIMIT_EXCEEDED";

    /// <summary>Something in the request is not as it must be; the message says what.</summary>
    public const string InvalidParameterValue = "INVALID_PARAMETER_VALUE";

    /// <summary>The server has no such request: it is too old, or no MLflow server.</summary>
    public const string EndpointNotFound = "ENDPOINT_NOT_FOUND";

    /// <summary>The server could not read the request, or its database refused it.</summary>
    public const string BadRequest = "BAD_REQUEST";

    /// <summary>No credentials were given, or wrong ones.</summary>
    public const string Unauthenticated = "UNAUTHENTICATED";

    /// <summary>The credentials do not allow it.</summary>
    public const string PermissionDenied = "PERMISSION_DENIED";

    /// <summary>Too many requests.</summary>
    public const string RequestLimitExceeded = "REQUEST_LIMIT_EXCEEDED";

    /// <summary>The server cannot answer at the moment.</summary>
    public const string TemporarilyUnavailable = "TEMPORARILY_UNAVAILABLE";

    /// <summary>The server failed.</summary>
    public const string InternalError = "INTERNAL_ERROR";

    /// <summary>What MLflow's clients take for the code of an answer that has none, such as a proxy's.</summary>
    internal static string? Of(int? status) => status switch
    {
        400 => BadRequest,
        401 => Unauthenticated,
        403 => PermissionDenied,
        404 => EndpointNotFound,
        409 => "RESOURCE_CONFLICT",
        429 => RequestLimitExceeded,
        501 => "NOT_IMPLEMENTED",
        503 => TemporarilyUnavailable,
        504 => "DEADLINE_EXCEEDED",
        >= 500 => InternalError,
        _ => null,
    };
}
