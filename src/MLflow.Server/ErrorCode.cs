namespace MLflow.Server;

/// <summary>MLflow's error codes that this server gives, by the names that stand on the wire.</summary>
internal enum ErrorCode
{
    INTERNAL_ERROR = 1,
    TEMPORARILY_UNAVAILABLE = 2,
    BAD_REQUEST = 4,
    NOT_FOUND = 11,
    UNAUTHENTICATED = 13,
    INVALID_PARAMETER_VALUE = 1000,
    ENDPOINT_NOT_FOUND = 1001,
    INVALID_STATE = 1003,
    PERMISSION_DENIED = 1004,
    REQUEST_LIMIT_EXCEEDED = 1007,
    NOT_IMPLEMENTED = 1010,
    RESOURCE_ALREADY_EXISTS = 3001,
    RESOURCE_DOES_NOT_EXIST = 3002,
}
