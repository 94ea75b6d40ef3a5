using System.Net.Http.Headers;
using System.Text;

namespace MLflow;

/// <summary>
/// The Authorization header for a tracking server, from the environment as MLflow's clients read it: name and password, else those in
/// the address, else a token.
/// </summary>
internal static class TrackingCredentials
{
    public static AuthenticationHeaderValue? For(Uri address, Func<string, string?> variable)
    {
        var user = variable("MLFLOW_TRACKING_USERNAME");
        var password = variable("MLFLOW_TRACKING_PASSWORD");
        if (!string.IsNullOrEmpty(user) && !string.IsNullOrEmpty(password))
        {
            return Basic($"{user}:{password}");
        }

        if (address.UserInfo.Length > 0)
        {
            return Basic(Uri.UnescapeDataString(address.UserInfo));
        }

        return variable("MLFLOW_TRACKING_TOKEN") is { Length: > 0 } token
            ? new AuthenticationHeaderValue("Bearer", token)
            : null;
    }

    private static AuthenticationHeaderValue Basic(string pair) => new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(pair)));
}
