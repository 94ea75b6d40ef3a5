using System.Net.Http.Headers;

namespace MLflow;

/// <summary>Gives a content that stands in for another the other's headers.</summary>
internal static class HeaderCopy
{
    public static void Copy(HttpContentHeaders from, HttpContentHeaders to)
    {
        foreach (var (name, values) in from.NonValidated)
        {
            if (values.Count == 1)
            {
                // Nearly every header: no list is made for it.
                to.TryAddWithoutValidation(name, values.ToString());
            }
            else
            {
                to.TryAddWithoutValidation(name, (IEnumerable<string>)values);
            }
        }
    }
}
