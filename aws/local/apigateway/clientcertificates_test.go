package apigateway_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsapi "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"

	"portcullis/aws/local/apigateway"
)

// TestClientCertificates: a stage shows its certificate to HTTPS endpoints, from the patch on and without a deployment.
// Source: Developer Guide, "Generate and configure an SSL certificate for backend authentication in API Gateway".
func TestClientCertificates(t *testing.T) {
	backend := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := "nobody"
		if certs := r.TLS.PeerCertificates; len(certs) > 0 {
			name = certs[0].Subject.CommonName + " " + certs[0].SerialNumber.String()
		}
		fmt.Fprint(w, name)
	}))
	backend.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	backend.StartTLS()
	t.Cleanup(backend.Close)
	b := newBench(t, func(o *apigateway.Options) {
		o.HTTPClient = backend.Client()
		o.Now = time.Now // a certificate's validity is judged by the real clock
	})
	ctx, c := t.Context(), b.sdk()
	id := b.importAPI(withIntegration(document([]string{"GET /a"}, ""), "        type: http_proxy\n        httpMethod: GET\n        uri: "+backend.URL+"/\n"))
	wantReply(t, b.call(id, "GET", "/dev/a", ""), 200, "nobody")
	made, err := c.GenerateClientCertificate(ctx, &awsapi.GenerateClientCertificateInput{Description: aws.String("for the backend"), Tags: map[string]string{"team": "a"}})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(aws.ToString(made.PemEncodedCertificate)))
	if block == nil {
		t.Fatalf("%+v", made)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil || made.ExpirationDate.Sub(*made.CreatedDate) != 365*24*time.Hour || !cert.NotAfter.Equal(made.ExpirationDate.UTC()) && cert.NotAfter.Sub(*made.ExpirationDate).Abs() > time.Second {
		t.Errorf("%v %v %+v", err, cert.NotAfter, made)
	}
	show := func(certificate string) error {
		_, err := c.UpdateStage(ctx, &awsapi.UpdateStageInput{RestApiId: &id, StageName: aws.String("dev"), PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/clientCertificateId"), Value: &certificate}}})
		return err
	}
	wantError(t, show("zzzzzz"), "BadRequestException", "Invalid Client Certificate identifier specified")
	if err := show(*made.ClientCertificateId); err != nil {
		t.Fatal(err)
	}
	wantReply(t, b.call(id, "GET", "/dev/a", ""), 200, "ApiGateway "+cert.SerialNumber.String())

	_, err = c.DeleteClientCertificate(ctx, &awsapi.DeleteClientCertificateInput{ClientCertificateId: made.ClientCertificateId})
	wantError(t, err, "BadRequestException", "Client certificate "+*made.ClientCertificateId+" is used by stage dev of API "+id+" and must be removed from it first")
	updated, err := c.UpdateClientCertificate(ctx, &awsapi.UpdateClientCertificateInput{ClientCertificateId: made.ClientCertificateId, PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/description"), Value: aws.String("new")}}})
	if err != nil || aws.ToString(updated.Description) != "new" {
		t.Errorf("%+v %v", updated, err)
	}
	wantReply(t, b.call(id, "GET", "/dev/a", ""), 200, "ApiGateway "+cert.SerialNumber.String())
	if err := show(""); err != nil {
		t.Fatal(err)
	}
	wantReply(t, b.call(id, "GET", "/dev/a", ""), 200, "nobody")
	list, err := c.GetClientCertificates(ctx, &awsapi.GetClientCertificatesInput{})
	if err != nil || len(list.Items) != 1 || strings.Contains(fmt.Sprint(list.Items[0]), "PRIVATE KEY") {
		t.Errorf("%+v %v", list, err)
	}
	if _, err := c.DeleteClientCertificate(ctx, &awsapi.DeleteClientCertificateInput{ClientCertificateId: made.ClientCertificateId}); err != nil {
		t.Error(err)
	}
	_, err = c.GetClientCertificate(ctx, &awsapi.GetClientCertificateInput{ClientCertificateId: made.ClientCertificateId})
	wantError(t, err, "NotFoundException", "Invalid Client Certificate identifier specified")
}

// TestEndpointCertificates: an endpoint whose certificate nobody vouches for is a failure, unless the integration does not
// care. Source: API reference, TlsConfig.
func TestEndpointCertificates(t *testing.T) {
	backend := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") }))
	t.Cleanup(backend.Close)
	backend.Config.ErrorLog = nil
	for insecure, want := range map[string]int{"false": 504, "true": 200} {
		b := newBench(t, nil)
		id := b.importAPI(withIntegration(document([]string{"GET /a"}, ""), "        type: http_proxy\n        httpMethod: GET\n        uri: "+backend.URL+"/\n        tlsConfig: {insecureSkipVerification: "+insecure+"}\n"))
		if got := b.call(id, "GET", "/dev/a", ""); got.status != want {
			t.Errorf("insecureSkipVerification %s: %d %s", insecure, got.status, got.body)
		}
	}
}

// TestClientCertificatesOfCallers: over TLS, a certificate that the caller shows is in the events of REST and HTTP APIs.
// Source: Developer Guide, "Input to an API Gateway Lambda authorizer", clientCert; "Mutual TLS authentication".
func TestClientCertificatesOfCallers(t *testing.T) {
	h := newHTTPBench(t, nil)
	h.returns("my-function", allow("*"))
	rest := h.importAPI(document([]string{"GET /pets"}, uncached))
	h.route("GET /pets", h.authorizer("2.0", false, 0))
	srv := httptest.NewUnstartedServer(http.HandlerFunc(h.svc.ServeExecute))
	srv.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(17), Subject: pkix.Name{CommonName: "jane"}, NotBefore: from, NotAfter: from.AddDate(1, 0, 0)},
		&x509.Certificate{Subject: pkix.Name{CommonName: "jane"}}, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	transport := srv.Client().Transport.(*http.Transport)
	transport.TLSClientConfig.Certificates = []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
	want := map[string]any{"clientCertPem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), "subjectDN": "CN=jane", "issuerDN": "CN=jane", "serialNumber": "17",
		"validity": map[string]any{"notBefore": "Jan  2 03:04:05 2026 GMT", "notAfter": "Jan  2 03:04:05 2027 GMT"}}
	for path, at := range map[string]string{"/_aws/execute-api/" + rest + "/dev/pets": "identity", "/_aws/execute-api/" + h.id + "/pets": "authentication"} {
		res, err := srv.Client().Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
		in, _ := h.lastEvent()["requestContext"].(map[string]any)[at].(map[string]any)
		if d := cmp.Diff(want, in["clientCert"]); d != "" {
			t.Errorf("%s: %s", at, d)
		}
	}
}
